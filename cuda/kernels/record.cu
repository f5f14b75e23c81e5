#include "cuda/kernels/device.cuh"
#include "cuda/kernels/record.h"

namespace agon::cuda {
namespace {

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

}  // namespace

cudaError_t launch_record(const RecordArgs& args, cudaStream_t stream) {
  if (args.count < 0 || args.count > record_max_scalars || args.count > args.pitch || args.capacity < 1)
    return cudaErrorInvalidValue;
  const auto lanes = static_cast<unsigned>(ceil_div(args.count < 1 ? 1 : args.count, 32) * 32);
  record<<<1, lanes, 0, stream>>>(args);
  return cudaGetLastError();
}

}  // namespace agon::cuda
