#pragma once
#include <cstddef>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/blocked_weight_grad.h"

/// Forward and input gradient of convolutions between bf16 NHWC images in matrix registers, for images so
/// small that oneDNN fills its tiles badly. A tile holds one output pixel of 16 images by 16 channels: all
/// its images have the same taps inside the picture, so none is spent on padding, and images are read where
/// they lie. Needs has_amx(), a multiple of 16 images, 32 channels on the side that is read and 16 on the
/// other. Weights are KRSC. Flops: 2 per weight, image and tap inside. `scratch` is 64-byte aligned.
namespace agon::cpu {

/// Larger kernels are refused.
constexpr int64_t most_amx_taps = 64;

size_t amx_conv_scratch_bytes(const BlockedConv& problem);

/// y = conv(x, weights).
void amx_conv_forward(const BlockedConv& problem, const bf16* x, const bf16* weights, bf16* y, void* scratch);

/// dx = conv_input_grad(dy, weights).
void amx_conv_input_grad(const BlockedConv& problem, const bf16* dy, const bf16* weights, bf16* dx,
                         void* scratch);

}  // namespace agon::cpu
