#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// Sums and maxima over any axes, in a fixed order. y = scale * sum(x), scale * sum(x^2), or max(x) (a NaN
/// wins).
///
/// Adjacent axes of one kind are merged. Rows (the last axis is reduced), columns (it is kept) and
/// single-block reductions have instances of their own; large ones are split over blocks, whose partial
/// results the last block of each group merges in order. Sums are kept in f32 within a thread's share and
/// merged in f64. Fuses: the square before the sum, the scale after it. Fewest bytes: x once, y once; 4 flops
/// an element. Launch: 256 threads a block; about 640 blocks for what is split, each with at least 160 rows
/// or 4096 elements. Limits: x is f32 or bf16, y is f32; several groups of reduced axes take a thread a
/// result.
namespace agon::cuda {

enum class ReduceKind : int32_t { sum, sum_squares, max };

struct ReduceArgs {
  ReduceKind kind = ReduceKind::sum;
  const void* x = nullptr;  ///< dense, of `extents`
  DType dtype = DType::f32;
  float* y = nullptr;  ///< dense over the axes that stay
  int rank = 0;
  int64_t extents[max_rank] = {};
  bool reduced[max_rank] = {};
  float scale = 1;
  void* workspace = nullptr;
  int instance = -1;
};

size_t reduce_workspace(const ReduceArgs& args);
cudaError_t launch_reduce(const ReduceArgs& args, cudaStream_t stream);
std::span<const Instance> reduce_instances();
/// The instance that `args` runs as, or -1 if it is outside of the limits (or of the instance it asks for).
int reduce_instance(const ReduceArgs& args);

}  // namespace agon::cuda
