#pragma once
#include <cstddef>
#include <cstdint>

#include "agon/graph.h"

/// Convolutions between an image of few channels (1 to 4) and a wide tensor, where oneDNN's register blocking
/// by 16 channels wastes its work. The image is NHWC; the wide tensor is NHWC or nChw16c (ChannelLayout's
/// `block`); weights are KRSC [wide channels][kernel height][kernel width][image channels].
/// No dilation, no groups. `scratch` holds thin_conv_scratch_bytes(problem), 64-byte aligned.
namespace agon::cpu {

struct ThinConv {
  int64_t images = 1;
  int64_t height = 1, width = 1, channels = 3;                  ///< of the image
  int64_t wide_height = 1, wide_width = 1, wide_channels = 16;  ///< of the convolution's output
  int64_t wide_block = 16;                                      ///< 16: nChw16c; wide_channels: NHWC
  int64_t kernel_h = 4, kernel_w = 4, stride_h = 2, stride_w = 2;
  int64_t pad_top = 1, pad_left = 1;  ///< what lies beyond the other two edges follows from the extents
};

size_t thin_conv_scratch_bytes(const ThinConv& problem);

/// wide = activation(conv(image, weights) + bias). `bias` null is zero.
void thin_conv_forward(const ThinConv& problem, const float* image, const float* weights, const float* bias,
                       const Activation& activation, float* wide, void* scratch);

/// image = activation(conv_input_grad(wide, weights) + bias): the transposed convolution down to an image.
void thin_conv_input_grad(const ThinConv& problem, const float* wide, const float* weights, const float* bias,
                          const Activation& activation, float* image, void* scratch);

/// dweights = conv_weight_grad(image, wide), in KRSC. Summed in a fixed order for a fixed number of threads.
void thin_conv_weight_grad(const ThinConv& problem, const float* image, const float* wide, float* dweights,
                           void* scratch);

}  // namespace agon::cpu
