#pragma once
#include <cstddef>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/blocked_weight_grad.h"

namespace agon::cpu {

size_t amx_weight_grad_scratch_bytes(const BlockedConv& problem);

/// dweights [out_channels][kernel_h][kernel_w][channels] (KRSC, f32) = conv_weight_grad(x, dy) of bf16 NHWC
/// images; both channel counts are multiples of 16. Needs has_amx().
/// A product over pixels per tap: runs of pixels of dy are packed once, those of x once a tap (pixels in the
/// padding as zeros), into what the matrix registers read; 32 by 32 sums stay in registers over a run.
/// `scratch` holds amx_weight_grad_scratch_bytes(problem), 64-byte aligned. The result does not depend on the
/// number of threads.
void amx_weight_grad(const BlockedConv& problem, const bf16* x, const bf16* dy, float* dweights,
                     void* scratch);

}  // namespace agon::cpu
