#pragma once
#include "cuda/kernels/device.cuh"

/// Accumulators of a thread's share of a reduction. `total` is what blocks merge, in f64 and in a fixed
/// order.
namespace agon::cuda {

/// A sum in f32 with its lost low part (Kahan 1965): as exact as a sum in f64 that is rounded once, at f32
/// rates.
struct Sum {
  float sum = 0, lost = 0;
  __device__ void add(float x) {
    const float corrected = x - lost, next = sum + corrected;
    lost = (next - sum) - corrected;
    sum = next;
  }
  __device__ double total() const { return double{sum} - double{lost}; }
  static __device__ double merge(double a, double b) { return a + b; }
  static __device__ double zero() { return 0; }
};

/// The largest, or a NaN if there is one.
struct Max {
  float best = -__builtin_huge_valf();
  __device__ void add(float x) { best = max_or_nan(best, x); }
  __device__ double total() const { return best; }
  static __device__ double merge(double a, double b) { return b > a || isnan(b) ? b : a; }
  static __device__ double zero() { return -__builtin_huge_val(); }
};

/// Merges one value a thread over the block, in a fixed order, for all threads.
template <class Acc, int threads>
__device__ inline double block_merge(double x) {
  __shared__ double parts[threads / 32];
  for (int lane = 16; lane > 0; lane /= 2) x = Acc::merge(x, __shfl_xor_sync(0xffffffffu, x, lane));
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  double all = parts[0];
  for (int i = 1; i < threads / 32; ++i) all = Acc::merge(all, parts[i]);
  __syncthreads();
  return all;
}

}  // namespace agon::cuda
