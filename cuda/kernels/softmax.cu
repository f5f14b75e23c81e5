#include "cuda/kernels/accumulate.cuh"
#include "cuda/kernels/softmax.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256, warps = threads / 32;

/// A warp a row of at most 32 * items columns, all of it in registers.
template <int items>
__global__ void __launch_bounds__(threads) softmax_by_warp(const SoftmaxArgs args) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int64_t row = int64_t{blockIdx.x} * warps + threadIdx.x / 32;
  if (row >= args.rows) return;
  const float* const x = args.x + row * args.width;
  float v[items], top = -__builtin_huge_valf(), sum = 0;
#pragma unroll
  for (int k = 0; k < items; ++k) {
    const int c = lane + 32 * k;
    v[k] = c < args.width ? x[c] : -__builtin_huge_valf();
    top = max_or_nan(top, v[k]);
  }
  top = warp_max(top);
#pragma unroll
  for (int k = 0; k < items; ++k)
    if (lane + 32 * k < args.width) sum += expf(v[k] - top);
  sum = warp_sum(sum);
  const float scale = 1 / sum, log_sum = logf(sum);
  float* const y = args.y + row * args.width;
#pragma unroll
  for (int k = 0; k < items; ++k)
    if (lane + 32 * k < args.width)
      y[lane + 32 * k] = args.log ? v[k] - top - log_sum : expf(v[k] - top) * scale;
}

__global__ void __launch_bounds__(threads) softmax_by_block(const SoftmaxArgs args) {
  const float* const x = args.x + int64_t{blockIdx.x} * args.width;
  float* const y = args.y + int64_t{blockIdx.x} * args.width;
  const auto first = static_cast<int>(threadIdx.x);
  Max largest;
  for (int c = first; c < args.width; c += threads) largest.add(x[c]);
  const auto top = static_cast<float>(block_merge<Max, threads>(largest.total()));
  Sum exponentials;
  for (int c = first; c < args.width; c += threads) exponentials.add(expf(x[c] - top));
  const auto sum = static_cast<float>(block_merge<Sum, threads>(exponentials.total()));
  const float scale = 1 / sum, log_sum = logf(sum);
  for (int c = first; c < args.width; c += threads)
    y[c] = args.log ? x[c] - top - log_sum : expf(x[c] - top) * scale;
}

constexpr int few = 4, many = 32;

}  // namespace

std::span<const Instance> softmax_instances() {
  static constexpr Instance table[] = {{"warp_128"}, {"warp_1024"}, {"block"}};
  return table;
}

cudaError_t launch_softmax(const SoftmaxArgs& args, cudaStream_t stream) {
  const int best = args.width <= 32 * few ? 0 : args.width <= 32 * many ? 1 : 2;
  const int instance = args.instance < 0 ? best : args.instance;
  if (instance < best || instance > 2 || args.width < 1) return cudaErrorInvalidValue;
  if (args.rows == 0) return cudaSuccess;
  const auto blocks = static_cast<unsigned>(ceil_div(args.rows, warps));
  if (instance == 0)
    softmax_by_warp<few><<<blocks, threads, 0, stream>>>(args);
  else if (instance == 1)
    softmax_by_warp<many><<<blocks, threads, 0, stream>>>(args);
  else
    softmax_by_block<<<static_cast<unsigned>(args.rows), threads, 0, stream>>>(args);
  return cudaGetLastError();
}

}  // namespace agon::cuda
