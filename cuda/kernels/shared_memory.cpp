#include "cuda/kernels/shared_memory.h"

namespace agon::cuda {
namespace {

/// Any kernel may have so much unasked, and 8 KiB of static shared memory beside it.
constexpr size_t always_allowed = 40 << 10;

}  // namespace

cudaError_t allow_shared(const void* kernel, size_t bytes) {
  if (bytes <= always_allowed) return cudaSuccess;
  int device = 0, block = 0;
  cudaFuncAttributes facts{};
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess)
    error = cudaDeviceGetAttribute(&block, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  if (error == cudaSuccess) error = cudaFuncGetAttributes(&facts, kernel);
  if (error != cudaSuccess) return error;
  const int most = block - static_cast<int>(facts.sharedSizeBytes);
  if (most < 0 || bytes > static_cast<size_t>(most)) return cudaErrorInvalidValue;
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most);
}

}  // namespace agon::cuda
