#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// Instance norm and layer norm, with the semantics of sample_norm and sample_norm_grad: x [samples, rows,
/// channels] is normalised over the rows. A layer norm has one channel and a gamma for each row; an instance
/// norm a gamma for each channel. Large tensors are f32 or bf16, all else is f32. Sums are kept in f32 with
/// their lost low parts, merged in f64 and in a fixed order.
///
/// What is normalised together (a group: a sample, or 8 to 32 channels of one) stays in shared memory from
/// the first read to the result where it fits into 94 KiB, in one launch: a warp a sample up to 512
/// elements, a block of 256 threads beyond, or a block a tile of channels. Larger groups are split over
/// about 640 blocks: the statistics (or the backward sums), which the last block of each group merges, then
/// a second launch that writes the result. Derivatives of gamma and beta are one more launch.
/// Fewest bytes: x and y once forward, x, dy and dx once backward; split, x (and dy) once more. A layer
/// norm's gamma and beta are read once a sample, its derivatives read x and dy once more. 8 flops an element
/// forward, 12 backward.
namespace agon::cuda {

struct NormArgs {
  const void* x = nullptr;
  void* y = nullptr;
  DType x_dtype = DType::f32, y_dtype = DType::f32;
  const float *gamma = nullptr, *beta = nullptr;  ///< null: 1 and 0
  bool by_row = false;                            ///< a layer norm: gamma and beta [rows]; else [channels]
  float *mean = nullptr, *inv_std = nullptr;      ///< [samples, channels]
  int64_t samples = 0, rows = 0;
  int channels = 1;
  float eps = 1e-5f;
  void* workspace = nullptr;
  int instance = -1;
};
size_t norm_workspace(const NormArgs& args);
cudaError_t launch_norm(const NormArgs& args, cudaStream_t stream);
/// The instance that `args` runs as, or -1 if it is outside of the limits (or of the instance it asks for).
int norm_instance(const NormArgs& args);

struct NormGradArgs {
  const void *x = nullptr, *dy = nullptr;
  void* dx = nullptr;  ///< may be dy
  DType x_dtype = DType::f32, dy_dtype = DType::f32, dx_dtype = DType::f32;
  const float *mean = nullptr, *inv_std = nullptr;
  const float* gamma = nullptr;               ///< null: 1
  float *dgamma = nullptr, *dbeta = nullptr;  ///< both or neither
  bool by_row = false;
  int64_t samples = 0, rows = 0;
  int channels = 1;
  void* workspace = nullptr;
  int instance = -1;
};
size_t norm_grad_workspace(const NormGradArgs& args);
cudaError_t launch_norm_grad(const NormGradArgs& args, cudaStream_t stream);
int norm_grad_instance(const NormGradArgs& args);

/// Of both directions.
std::span<const Instance> norm_instances();

}  // namespace agon::cuda
