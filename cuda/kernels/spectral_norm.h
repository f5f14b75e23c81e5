#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// The power iteration of spectral norm (Miyato et al. 2018) for up to `most_spectral_norms` matrices
/// w [rows, columns] at once, as the graph's spectral_norm op:
///   v = w^T u / max(|w^T u|, eps), t = w v, u' = t / max(|t|, eps) (or u), sigma = u'^T t, y = w / sigma
///
/// Three launches for all matrices: the sums of columns weighted by u, split over blocks by the skeleton of
/// columns.cuh; 16 rows a block, which makes |w^T u| on the way, so that nothing has to be divided first, and
/// whose last block of each matrix finishes u' and sigma; y. Fewest bytes: w three times (after the first
/// from the second-level cache, where it fits), y once; 5 flops an element. Matrices whose rows begin at
/// multiples of 16 bytes are loaded 16 bytes a thread. All sums are in a fixed order, merged in f64.
namespace agon::cuda {

constexpr int most_spectral_norms = 16;

struct SpectralNorm {
  const float *w = nullptr, *u = nullptr;
  void* y = nullptr;  ///< [rows, columns]; null: not wanted
  DType y_dtype = DType::f32;
  float* sigma = nullptr;
  float* new_u = nullptr;  ///< [rows], may be u
  float* v = nullptr;      ///< [columns]
  int rows = 0, columns = 0;
  float eps = 1e-12f;
  bool iterate = true;
};

struct SpectralNormArgs {
  SpectralNorm matrices[most_spectral_norms];
  int count = 0;
  void* workspace = nullptr;
};
size_t spectral_norm_workspace(const SpectralNormArgs& args);
cudaError_t launch_spectral_norm(const SpectralNormArgs& args, cudaStream_t stream);

/// The two ways a matrix is read: an element at a time, or 16 bytes.
std::span<const Instance> spectral_norm_instances();
int spectral_norm_instance(const SpectralNorm& matrix);

}  // namespace agon::cuda
