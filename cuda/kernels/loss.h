#pragma once
#include "cuda/kernels/common.h"

/// Losses: the value and the gradient by the scores in one pass.
///
/// value = scale * sum over elements of term(x), grad = scale * term'(x); scale = weight / count makes it a
/// mean.
///   bce_with_logits   t' softplus(-x) + (1 - t') softplus(x), t' = t (1 - smoothing) + smoothing / 2
///   least_squares     (x - t)^2 / 2
///   hinge             max(0, 1 - t x), t = 1 for real and -1 for fake scores
///   wasserstein       -t x
///   l1                |x - t|
///   softmax_cross_entropy   rows of `classes` scores against `labels`; smoothing spreads over all classes
/// Launch: 256 threads a block, up to 512 blocks; cross-entropy takes a warp a row. About 10 to 40 flops an
/// element. Fewest bytes: x once, t once where it is a tensor, the gradient once. Derivatives at kinks are 0.
namespace agon::cuda {

enum class LossKind : int32_t {
  bce_with_logits,
  least_squares,
  hinge,
  wasserstein,
  l1,
  softmax_cross_entropy
};

struct LossArgs {
  LossKind kind = LossKind::bce_with_logits;
  const float* x = nullptr;       ///< [count], or [count, classes]
  const float* target = nullptr;  ///< [count], or null: `target_value` for all
  float target_value = 0;
  const int32_t* labels = nullptr;  ///< [count], softmax_cross_entropy's, 0 .. classes - 1
  int64_t count = 0;
  int classes = 0;
  float smoothing = 0, scale = 1;
  float* value = nullptr;     ///< one f32, or null: the gradient alone
  float* grad = nullptr;      ///< of x's shape, or null: the value alone
  void* workspace = nullptr;  ///< for the value
};

size_t loss_workspace(const LossArgs& args);
cudaError_t launch_loss(const LossArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
