#pragma once
#include "backend/cpu/kernels/blocked_weight_grad.h"

/// Forward and input gradient of convolutions between nChw16c tensors. A register tile holds one output pixel
/// of 8 images by 48 channels: all its images have the same taps inside the picture, so none is spent on
/// padding (a quarter of the flops of a 4x4 kernel over a 4x4 image), and no border needs code of its own.
/// Meant for batches of at least 8 images. Flops: 2 per weight, image and tap inside. Nothing is packed or
/// copied.
namespace agon::cpu {

/// Larger kernels are refused.
constexpr int64_t most_taps = 256;

/// y = conv(x, weights), weights as oneDNN's OIhw16i16o.
void blocked_conv_forward(const BlockedConv& problem, const float* x, const float* weights, float* y);

/// dx = conv_input_grad(dy, weights), weights as oneDNN's OIhw16o16i.
void blocked_conv_input_grad(const BlockedConv& problem, const float* dy, const float* weights, float* dx);

}  // namespace agon::cpu
