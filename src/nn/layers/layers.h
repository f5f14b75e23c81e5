#pragma once
#include <string>

#include "nn/module.h"
#include "nn/row.h"

namespace agon::nn {

// Builders of one module each: `in` is the shape of one sample. They throw Error(usage), with the row's
// place, for what does not fit. Names are left to the caller.

/// torch.nn.Linear: y = x W^T + b, W [out, in]. An image is flattened first.
Module linear(const Row& row, const Shape& in);
/// torch.nn.Conv2d. Where the window covers the whole image it is computed as a matmul.
Module convolution(const Row& row, const Shape& in);
/// torch.nn.ConvTranspose2d. From a one-pixel image without padding it is computed as a matmul.
Module transposed_convolution(const Row& row, const Shape& in);

/// torch.nn.AvgPool2d, MaxPool2d and AdaptiveAvgPool2d(1).
Module pool(const Row& row, const Shape& in, const std::string& type);
/// torch.nn.Upsample by an integer factor (nearest, or bilinear with half-pixel centres).
Module upsample(const Row& row, const Shape& in);
/// torch.nn.PixelShuffle.
Module pixel_shuffle(const Row& row, const Shape& in);
/// torch.nn.Flatten; features count in H, W, C order here and in C, H, W order on disk.
Module flatten(const Shape& in);
/// torch.nn.Unflatten to [height, width, channels].
Module reshape(const Row& row, const Shape& in);

/// torch.nn.BatchNorm, InstanceNorm2d or LayerNorm (over the whole sample), by the row's 'norm'.
Module norm(const Row& row, const Shape& in);
/// The pointwise function named by the row's 'activation'.
Module activation(const Row& row, const Shape& in);
/// torch.nn.Dropout.
Module dropout(double p, const Shape& in, const std::string& where);

/// A parameter whose last disk axes need no reordering.
Parameter plain_parameter(std::string name, Shape shape, std::string init);
/// A weight stored KRSC, on disk OIHW.
Parameter conv_parameter(std::string name, Shape krsc, std::string init);

/// `x` as [batch, ...sample].
Value with_sample_shape(Value x, const Shape& sample);

}  // namespace agon::nn
