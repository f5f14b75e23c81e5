#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// Batch norm over the rows of x [rows, channels], with the semantics of batch_norm_train and
/// batch_norm_grad.
///
/// Training forward: statistics (from x, or from what a convolution's epilogue added up), then apply; a
/// consumer that takes scale and shift in its prologue needs no apply. Backward: reduce, then apply. Tensors
/// are f32 or bf16; all that is per channel is f32. Sums are taken about a shift and merged in f64, in a
/// fixed order, so that a mean far from 0 costs no digits.
///
/// Fuses: running statistics and a consumer's scale and shift with the statistics; the activation with the
/// application; its derivative and a consumer's coefficients with the backward sums.
/// About so many flops an element, besides the activation's: statistics 10, apply 3, backward sums 11, dx 8.
/// Launch: 256 threads a block, a tile of up to 32 channels; statistics and sums in about 640 blocks with at
/// least 160 rows each, the passes that write a tensor in up to 8192.
/// Limits: at least one row and channel; rows * channels as kernels/common.h says.
namespace agon::cuda {

/// What the statistics end as; every pointer may be null where nobody reads it.
///   inv_std = 1 / sqrt(var + eps), scale = gamma inv_std, shift = beta - mean scale
///   running = (1 - momentum) running + momentum statistic, the variance unbiased; may be updated in place
struct BatchNormFinish {
  const float *gamma = nullptr, *beta = nullptr;  ///< null: 1 and 0
  const float *old_running_mean = nullptr, *old_running_var = nullptr;
  float *new_running_mean = nullptr, *new_running_var = nullptr;
  float *mean = nullptr, *inv_std = nullptr, *scale = nullptr, *shift = nullptr;
  float eps = 1e-5f, momentum = 0.1f;
};

/// Statistics of a tensor in one pass, finished by the last block of each group of channels.
/// Fewest bytes: x once.
struct BatchNormStatsArgs {
  const void* x = nullptr;
  DType dtype = DType::f32;
  int64_t rows = 0;
  int channels = 0;
  BatchNormFinish finish;
  void* workspace = nullptr;
  int instance = -1;
};
size_t batch_norm_stats_workspace(const BatchNormStatsArgs& args);
cudaError_t launch_batch_norm_stats(const BatchNormStatsArgs& args, cudaStream_t stream);

/// Statistics from `partials` partial sums, partial p over its own rows: sums[p * channels + c] of x, and
/// squares[..] of x^2, or with `centred` of (x - partial mean)^2. Partial p holds rows_per_partial rows, the
/// last one the rest; or counts[p] rows where counts is given. x may have been shifted by a per-channel
/// `bias` after the sums were taken: then the mean moves with it. Fewest bytes: the partial sums once, 8 a
/// channel and partial. Launch: 256 threads for 8 channels.
struct BatchNormPartialsArgs {
  const float *sums = nullptr, *squares = nullptr;
  const int32_t* counts = nullptr;
  const float* bias = nullptr;
  bool centred = false;
  int64_t partials = 0, rows_per_partial = 0, rows = 0;
  int channels = 0;
  BatchNormFinish finish;
};
cudaError_t launch_batch_norm_partials(const BatchNormPartialsArgs& args, cudaStream_t stream);

/// y = f((x - mean) inv_std gamma + beta). With `variance` (evaluation: the running statistics) inv_std is
/// 1 / sqrt(variance + eps). y may be x. Fewest bytes: x and y once.
struct BatchNormApplyArgs {
  const void* x = nullptr;
  void* y = nullptr;
  DType x_dtype = DType::f32, y_dtype = DType::f32;
  const float *mean = nullptr, *inv_std = nullptr, *variance = nullptr;
  const float *gamma = nullptr, *beta = nullptr;  ///< null: 1 and 0
  float eps = 0;
  Activation activation;
  int64_t rows = 0;
  int channels = 0;
  int instance = -1;
};
cudaError_t launch_batch_norm_apply(const BatchNormApplyArgs& args, cudaStream_t stream);

/// Backward. With d = dy, or dy * f'(.) where an activation followed, and h = (x - mean) inv_std:
///   dbeta = sum d, dgamma = sum d h, dx = gamma inv_std (d - dbeta / rows - h dgamma / rows)
/// The activation's output is recomputed from x with `beta` where y is null; otherwise y is read.
/// launch_batch_norm_grad_reduce makes dgamma and dbeta, and where asked the coefficients [3, channels] with
/// dx = coefficients[0] d + coefficients[1] x + coefficients[2], for a consumer's prologue;
/// launch_batch_norm_grad_apply makes dx from dgamma and dbeta. dx may be dy.
/// Fewest bytes: x and dy (and y) once each in both, dx once.
struct BatchNormGradArgs {
  const void *x = nullptr, *dy = nullptr, *y = nullptr;
  void* dx = nullptr;
  DType x_dtype = DType::f32, dy_dtype = DType::f32, dx_dtype = DType::f32;  ///< y is as x
  const float *mean = nullptr, *inv_std = nullptr;
  const float *gamma = nullptr, *beta = nullptr;  ///< null: 1 and 0
  Activation activation;
  float *dgamma = nullptr, *dbeta = nullptr, *coefficients = nullptr;
  int64_t rows = 0;
  int channels = 0;
  void* workspace = nullptr;
  int instance = -1;
};
size_t batch_norm_grad_workspace(const BatchNormGradArgs& args);
cudaError_t launch_batch_norm_grad_reduce(const BatchNormGradArgs& args, cudaStream_t stream);
cudaError_t launch_batch_norm_grad_apply(const BatchNormGradArgs& args, cudaStream_t stream);

/// Instances of the four passes over tensors: the 16-byte path and the one that is correct at any alignment
/// and number of channels.
std::span<const Instance> batch_norm_instances();

}  // namespace agon::cuda
