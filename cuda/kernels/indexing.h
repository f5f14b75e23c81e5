#pragma once
#include "cuda/kernels/common.h"

/// Rows by index, and classes. An index out of range is not read or written through; it sets *bad_index
/// (where given) to 1, and its row is NaN (gather) or left out. Tensors are f32, indices i32.
namespace agon::cuda {

/// y[i, :] = table[index[i], :], [count, width]. Fewest bytes: y twice, the index once; no flops.
/// Launch: 256 threads a block, four columns a thread (one where they do not align).
struct GatherArgs {
  const float* table = nullptr;
  const int32_t* index = nullptr;
  float* y = nullptr;
  int64_t rows = 0, count = 0;
  int width = 0;
  int32_t* bad_index = nullptr;
};
cudaError_t launch_gather(const GatherArgs& args, cudaStream_t stream);

/// y [rows, width] = sum of values[i, :] over i with index[i] = row, in index order: a block a row and chunk
/// of columns scans the index. Made for tables of classes (rows * count within some millions).
/// Fewest bytes: values, index and y once; a flop a value. Launch: 128 threads, a column each, a block a row.
struct ScatterAddArgs {
  const int32_t* index = nullptr;
  const float* values = nullptr;
  float* y = nullptr;
  int64_t rows = 0, count = 0;
  int width = 0;
  int32_t* bad_index = nullptr;
};
cudaError_t launch_scatter_add(const ScatterAddArgs& args, cudaStream_t stream);

/// y [count, depth] = 1 where the column is index[i], else 0. Fewest bytes: y and the index once; no flops.
/// Launch: 256 threads a block, a thread an element.
struct OneHotArgs {
  const int32_t* index = nullptr;
  float* y = nullptr;
  int64_t count = 0;
  int depth = 0;
  int32_t* bad_index = nullptr;
};
cudaError_t launch_one_hot(const OneHotArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
