#include "cuda/kernels/device.cuh"
#include "cuda/kernels/record.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256;

__global__ void __launch_bounds__(record_max_scalars) record(const __grid_constant__ RecordArgs args) {
  const uint64_t step = *args.step;
  const uint64_t slot = step % static_cast<uint64_t>(args.capacity);
  const int k = static_cast<int>(threadIdx.x);
  float x = 0;
  if (k < args.count) {
    x = *args.scalars[k];
    args.ring[slot * static_cast<uint64_t>(args.pitch) + static_cast<uint64_t>(k)] = x;
  }
  __threadfence();
  const int bad = __syncthreads_or(!isfinite(x));
  if (k != 0) return;
  args.flags[slot] = bad != 0;
  __threadfence();
  args.steps[slot] = step + 1;
}

template <int width>
__global__ void __launch_bounds__(threads) find_not_finite(const FiniteArgs args) {
  bool bad = false;
  const int64_t packs = args.count / width, step = int64_t{gridDim.x} * threads;
  for (int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x; i < packs; i += step) {
    if constexpr (width == 4) {
      const float4 x = load4(args.x + i * 4);
      // 0 * x is 0 exactly for finite x.
      bad = bad || 0 * x.x + 0 * x.y + 0 * x.z + 0 * x.w != 0;
    } else {
      bad = bad || !isfinite(args.x[i]);
    }
  }
  if (__syncthreads_or(bad) != 0 && threadIdx.x == 0) atomicExch(args.flag, 1);
}

}  // namespace

cudaError_t launch_record(const RecordArgs& args, cudaStream_t stream) {
  if (args.count < 0 || args.count > record_max_scalars || args.count > args.pitch || args.capacity < 1)
    return cudaErrorInvalidValue;
  const auto lanes = static_cast<unsigned>(ceil_div(args.count < 1 ? 1 : args.count, 32) * 32);
  record<<<1, lanes, 0, stream>>>(args);
  return cudaGetLastError();
}

cudaError_t launch_finite(const FiniteArgs& args, cudaStream_t stream) {
  if (args.count == 0) return cudaSuccess;
  const bool wide = args.count % 4 == 0 && aligned(args.x, 16);
  const int64_t needed = ceil_div(wide ? args.count / 4 : args.count, threads);
  const auto blocks = static_cast<unsigned>(needed < 1024 ? needed : 1024);
  if (wide)
    find_not_finite<4><<<blocks, threads, 0, stream>>>(args);
  else
    find_not_finite<1><<<blocks, threads, 0, stream>>>(args);
  return cudaGetLastError();
}

}  // namespace agon::cuda
