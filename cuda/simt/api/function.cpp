// What the host may ask and set of a kernel.
#include <algorithm>

#include "cuda/simt/api/launch.h"
#include "cuda/simt/api/support.h"

using namespace agon::simt;
using namespace agon::simt::api;

namespace {

int max_threads(const Arch& arch, const Kernel& kernel) {
  const auto& most = kernel.max_threads;
  if (most[0] != 0) return static_cast<int>(most[0] * std::max(most[1], 1u) * std::max(most[2], 1u));
  int threads = threads_per_block;
  while (threads > warp_size &&
         occupancy(arch, static_cast<int>(kernel.registers), kernel.shared_bytes, threads) == 0) {
    threads -= warp_size;
  }
  return threads;
}

cudaError_t set_attribute(const char* call, const void* handle, cudaFuncAttribute attribute, int value) {
  return enter(call, [&](Device& device) {
    Function& function = function_of(device, handle);
    const Kernel& kernel = device.load(function);
    const int limit =
        static_cast<int>(device.arch().shared_per_block_optin) - static_cast<int>(kernel.shared_bytes);
    switch (attribute) {
      case cudaFuncAttributeMaxDynamicSharedMemorySize:
        require(value >= 0 && value <= limit, cudaErrorInvalidValue,
                "{} bytes of dynamic shared memory for {}; on {} it can have {}", value, function.name,
                device.arch().name, limit);
        function.max_dynamic_shared = static_cast<std::uint32_t>(value);
        return;
      case cudaFuncAttributePreferredSharedMemoryCarveout:
        require(value >= -1 && value <= 100, cudaErrorInvalidValue, "a carveout of {} %", value);
        function.carveout = value;
        return;
      default:
        refuse(cudaErrorNotSupported, "function attribute {} is not simulated", static_cast<int>(attribute));
    }
  });
}

}  // namespace

AGON_API cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* handle) {
  return enter(__func__, [&](Device& device) {
    const Function& function = function_of(device, handle);
    const Kernel& kernel = device.load(function_of(device, handle));
    *attributes = {};
    attributes->sharedSizeBytes = kernel.shared_bytes;
    attributes->localSizeBytes = kernel.local_bytes;
    attributes->maxThreadsPerBlock = max_threads(device.arch(), kernel);
    attributes->numRegs = static_cast<int>(kernel.registers);
    attributes->ptxVersion = 80;
    attributes->binaryVersion = device.arch().number;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(
        function.max_dynamic_shared ? function.max_dynamic_shared
                                    : shared_per_block - std::min(shared_per_block, kernel.shared_bytes));
    attributes->preferredShmemCarveout = function.carveout;
  });
}

AGON_API cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return set_attribute(__func__, function, attribute, value);
}

AGON_API cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, cudaFuncAttribute attribute,
                                                     int value, int) {
  return set_attribute(__func__, kernel, attribute, value);
}

AGON_API cudaError_t cudaFuncSetCacheConfig(const void* function, cudaFuncCache) {
  return enter(__func__, [&](Device& device) { function_of(device, function); });
}

AGON_API cudaError_t cudaFuncGetName(const char** name, const void* function) {
  return enter(__func__, [&](Device& device) { *name = function_of(device, function).name.c_str(); });
}

AGON_API cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* handle,
                                                                   int threads, size_t dynamic_shared) {
  return enter(__func__, [&](Device& device) {
    const Kernel& kernel = device.load(function_of(device, handle));
    require(threads > 0, cudaErrorInvalidValue, "blocks of {} threads", threads);
    *blocks = occupancy(device.arch(), static_cast<int>(kernel.registers),
                        kernel.shared_bytes + static_cast<std::uint32_t>(dynamic_shared), threads);
  });
}

AGON_API cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* function,
                                                                            int threads,
                                                                            size_t dynamic_shared, unsigned) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamic_shared);
}

AGON_API cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, const void* handle, int blocks,
                                                               int) {
  return enter(__func__, [&](Device& device) {
    const Kernel& kernel = device.load(function_of(device, handle));
    require(blocks > 0, cudaErrorInvalidValue, "{} blocks", blocks);
    const auto share = device.arch().shared_per_sm / static_cast<std::uint32_t>(blocks) / 128 * 128;
    const std::uint32_t block =
        std::min(share - std::min(share, shared_reserved), device.arch().shared_per_block_optin);
    *bytes = block - std::min(block, kernel.shared_bytes);
  });
}
