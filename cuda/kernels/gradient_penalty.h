#pragma once
#include "cuda/kernels/common.h"

/// The penalty of a gradient's norm by sample.
namespace agon::cuda {

/// unit_norm: weight / samples * sum_n (|g_n| - 1)^2 (Gulrajani et al. 2017);
/// zero_norm: weight / samples * sum_n |g_n|^2 (R1, Mescheder et al. 2018, with weight = gamma / 2).
enum class PenaltyKind : int32_t { unit_norm, zero_norm };

/// One pass over g [samples, size]: a block a sample reads it once, keeps up to 96 KiB of it in shared memory
/// (the rest of a larger sample is read again) and writes the penalty's derivative by g; the last block adds
/// up. The derivative where |g_n| = 0 is 0. Fewest bytes: 8 an element, 4 without the derivative.
struct GradientPenaltyArgs {
  PenaltyKind kind = PenaltyKind::unit_norm;
  const float* g = nullptr;
  float* grad = nullptr;   ///< [samples, size], may be g; or null
  float* norms = nullptr;  ///< [samples], |g_n|; or null
  float* value = nullptr;  ///< one f32; or null
  float weight = 10;
  int64_t samples = 0, size = 0;
  void* workspace = nullptr;  ///< for the value
};
size_t gradient_penalty_workspace(const GradientPenaltyArgs& args);
cudaError_t launch_gradient_penalty(const GradientPenaltyArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
