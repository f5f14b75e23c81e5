#include "cuda/kernels/device.cuh"
#include "cuda/kernels/indexing.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256, scatter_threads = 128;

/// True if the index names one of `extent` rows; otherwise notes it.
__device__ bool valid(int32_t index, int64_t extent, int32_t* bad_index) {
  if (index >= 0 && index < extent) return true;
  if (bad_index != nullptr) atomicExch(bad_index, 1);
  return false;
}

/// Packs of `width` columns; packs_per_row of them make a row.
template <int width>
__global__ void __launch_bounds__(threads)
    gather(const GatherArgs args, Divider packs_per_row, uint32_t total) {
  uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= total) return;
  const int64_t to = int64_t{i} * width;
  const uint32_t column = packs_per_row.split(i) * width;
  const int32_t row = args.index[i];
  const bool good = valid(row, args.rows, args.bad_index);
  const float* const from = args.table + int64_t{row} * args.width + column;
  const float bad = __builtin_nanf("");
  if constexpr (width == 4)
    store4(args.y + to, good ? load4(from) : float4{bad, bad, bad, bad});
  else
    args.y[to] = good ? *from : bad;
}

/// The block's share of the index is read in pieces into shared memory; a thread owns a column of its row.
__global__ void __launch_bounds__(scatter_threads) scatter_add(const ScatterAddArgs args) {
  __shared__ int32_t piece[scatter_threads];
  const int64_t row = blockIdx.x;
  const auto column = static_cast<int>(blockIdx.y * scatter_threads + threadIdx.x);
  float sum = 0;
  for (int64_t begin = 0; begin < args.count; begin += scatter_threads) {
    const int64_t own = begin + threadIdx.x;
    const int32_t index = own < args.count ? args.index[own] : -1;
    if (row == 0 && blockIdx.y == 0 && own < args.count) valid(index, args.rows, args.bad_index);
    __syncthreads();
    piece[threadIdx.x] = index;
    __syncthreads();
    const auto pieces =
        static_cast<int>(args.count - begin < scatter_threads ? args.count - begin : scatter_threads);
    for (int i = 0; i < pieces; ++i)
      if (piece[i] == row && column < args.width) sum += args.values[(begin + i) * args.width + column];
  }
  if (column < args.width) args.y[row * args.width + column] = sum;
}

__global__ void __launch_bounds__(threads) one_hot(const OneHotArgs args, Divider depth, uint32_t total) {
  uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= total) return;
  const uint32_t to = i, column = depth.split(i);
  const int32_t index = args.index[i];
  const bool good = valid(index, args.depth, args.bad_index);
  args.y[to] = good && static_cast<uint32_t>(index) == column ? 1.0f : 0.0f;
}

bool in_range(int64_t total) {
  return total >= 0 && total < int64_t{1} << 31;
}

}  // namespace

cudaError_t launch_gather(const GatherArgs& args, cudaStream_t stream) {
  const int64_t total = args.count * args.width;
  if (!in_range(total)) return cudaErrorInvalidValue;
  if (total == 0) return cudaSuccess;
  if (args.width % 4 == 0 && aligned(args.table, 16) && aligned(args.y, 16))
    gather<4><<<static_cast<unsigned>(ceil_div(total / 4, threads)), threads, 0, stream>>>(
        args, Divider(args.width / 4), static_cast<uint32_t>(total / 4));
  else
    gather<1><<<static_cast<unsigned>(ceil_div(total, threads)), threads, 0, stream>>>(
        args, Divider(args.width), static_cast<uint32_t>(total));
  return cudaGetLastError();
}

cudaError_t launch_scatter_add(const ScatterAddArgs& args, cudaStream_t stream) {
  if (!in_range(args.rows * args.width) || !in_range(args.count * args.width)) return cudaErrorInvalidValue;
  if (args.rows * args.width == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(args.rows),
                  static_cast<unsigned>(ceil_div(args.width, scatter_threads)));
  scatter_add<<<grid, scatter_threads, 0, stream>>>(args);
  return cudaGetLastError();
}

cudaError_t launch_one_hot(const OneHotArgs& args, cudaStream_t stream) {
  const int64_t total = args.count * args.depth;
  if (!in_range(total)) return cudaErrorInvalidValue;
  if (total == 0) return cudaSuccess;
  one_hot<<<static_cast<unsigned>(ceil_div(total, threads)), threads, 0, stream>>>(
      args, Divider(args.depth), static_cast<uint32_t>(total));
  return cudaGetLastError();
}

}  // namespace agon::cuda
