// The device: its properties, limits and versions, and waiting for all of it.
#include <cstring>

#include "cuda/simt/api/capture.h"
#include "cuda/simt/api/graph_handles.h"
#include "cuda/simt/api/support.h"

using namespace agon::simt;
using namespace agon::simt::api;

namespace {

void check_device(int number) {
  require(number == 0, cudaErrorInvalidDevice, "there is one simulated device, number 0, and no number {}",
          number);
}

// Those attributes that are 1 or 0 on every chip, or limits that all share.
int common_attribute(cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      return threads_per_block;
    case cudaDevAttrMaxBlockDimZ:
      return 64;
    case cudaDevAttrMaxGridDimX:
      return 0x7fffffff;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      return 65535;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return static_cast<int>(shared_per_block);
    case cudaDevAttrReservedSharedMemoryPerBlock:
      return static_cast<int>(shared_reserved);
    case cudaDevAttrTotalConstantMemory:
      return 65536;
    case cudaDevAttrWarpSize:
      return warp_size;
    case cudaDevAttrMaxPitch:
      return 0x7fffffff;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return registers_per_sm;
    case cudaDevAttrTextureAlignment:
      return 512;
    case cudaDevAttrAsyncEngineCount:
      return 2;
    case cudaDevAttrGpuOverlap:
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrGlobalL1CacheSupported:
    case cudaDevAttrLocalL1CacheSupported:
    case cudaDevAttrCanUseHostPointerForRegisteredMem:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrHostRegisterSupported:
      return 1;
    case cudaDevAttrKernelExecTimeout:
    case cudaDevAttrIntegrated:
    case cudaDevAttrComputeMode:
    case cudaDevAttrEccEnabled:
    case cudaDevAttrPciBusId:
    case cudaDevAttrPciDeviceId:
    case cudaDevAttrPciDomainId:
    case cudaDevAttrTccDriver:
    case cudaDevAttrIsMultiGpuBoard:
    case cudaDevAttrMultiGpuBoardGroupID:
    case cudaDevAttrHostNativeAtomicSupported:
    case cudaDevAttrPageableMemoryAccess:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrComputePreemptionSupported:
    case cudaDevAttrPageableMemoryAccessUsesHostPageTables:
    case cudaDevAttrDirectManagedMemAccessFromHost:
    case cudaDevAttrMemoryPoolsSupported:
    case cudaDevAttrClusterLaunch:
    case cudaDevAttrGPUDirectRDMASupported:
    case cudaDevAttrMaxPersistingL2CacheSize:
    case cudaDevAttrMaxAccessPolicyWindowSize:
      return 0;
    default:
      refuse(cudaErrorNotSupported, "device attribute {} is not simulated", static_cast<int>(attribute));
  }
}

int attribute_of(const Arch& arch, cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      return arch.major();
    case cudaDevAttrComputeCapabilityMinor:
      return arch.minor();
    case cudaDevAttrMultiProcessorCount:
      return arch.sm_count;
    case cudaDevAttrClockRate:
      return arch.clock_khz;
    case cudaDevAttrMemoryClockRate:
      return arch.memory_clock_khz;
    case cudaDevAttrGlobalMemoryBusWidth:
      return arch.bus_bits;
    case cudaDevAttrL2CacheSize:
      return static_cast<int>(arch.l2_bytes);
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return arch.threads_per_sm;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return arch.blocks_per_sm;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return static_cast<int>(arch.shared_per_sm);
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return static_cast<int>(arch.shared_per_block_optin);
    default:
      return common_attribute(attribute);
  }
}

}  // namespace

AGON_API cudaError_t cudaGetDeviceCount(int* count) {
  return enter(__func__, [&](Device&) { *count = 1; });
}

AGON_API cudaError_t cudaGetDevice(int* number) {
  *number = 0;
  return cudaSuccess;
}

AGON_API cudaError_t cudaSetDevice(int number) {
  return enter(__func__, [&](Device&) { check_device(number); });
}

AGON_API cudaError_t cudaInitDevice(int number, unsigned, unsigned) {
  return cudaSetDevice(number);
}

AGON_API cudaError_t cudaSetDeviceFlags(unsigned) {
  return cudaSuccess;
}

AGON_API cudaError_t cudaGetDeviceFlags(unsigned* flags) {
  *flags = cudaDeviceScheduleAuto | cudaDeviceMapHost;
  return cudaSuccess;
}

AGON_API cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int number) {
  return enter(__func__, [&](Device& device) {
    check_device(number);
    *value = attribute_of(device.arch(), attribute);
  });
}

AGON_API cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int number) {
  return enter(__func__, [&](Device& device) {
    check_device(number);
    const Arch& arch = device.arch();
    *p = {};
    const std::string name = fmt::format("simulated {}", arch.chip);
    std::memcpy(p->name, name.c_str(), name.size() + 1);
    std::memcpy(p->uuid.bytes, "agon-simt-device", sizeof p->uuid.bytes);
    p->totalGlobalMem = device.memory().capacity();
    p->sharedMemPerBlock = shared_per_block;
    p->regsPerBlock = p->regsPerMultiprocessor = registers_per_sm;
    p->warpSize = warp_size;
    p->memPitch = 0x7fffffff;
    p->maxThreadsPerBlock = threads_per_block;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = threads_per_block;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->totalConstMem = 65536;
    p->major = arch.major();
    p->minor = arch.minor();
    p->textureAlignment = 512;
    p->multiProcessorCount = arch.sm_count;
    p->canMapHostMemory = p->concurrentKernels = p->unifiedAddressing = 1;
    p->streamPrioritiesSupported = p->globalL1CacheSupported = p->localL1CacheSupported = 1;
    p->canUseHostPointerForRegisteredMem = p->cooperativeLaunch = p->hostRegisterSupported = 1;
    p->asyncEngineCount = 2;
    p->memoryBusWidth = arch.bus_bits;
    p->l2CacheSize = static_cast<int>(arch.l2_bytes);
    p->maxThreadsPerMultiProcessor = arch.threads_per_sm;
    p->maxBlocksPerMultiProcessor = arch.blocks_per_sm;
    p->sharedMemPerMultiprocessor = arch.shared_per_sm;
    p->sharedMemPerBlockOptin = arch.shared_per_block_optin;
    p->reservedSharedMemPerBlock = shared_reserved;
  });
}

AGON_API cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

AGON_API cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

AGON_API cudaError_t cudaDeviceSynchronize() {
  return enter(__func__, [&](Device& device) {
    refuse_during_capture(device, __func__);
    device.scheduler().finish_all();
    return settle(device);
  });
}

AGON_API cudaError_t cudaDeviceReset() {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  if (!device.fault()) device.scheduler().finish_all();
  forget_events();
  forget_execs();
  device.reset();
  cudaGetLastError();
  return cudaSuccess;
}

AGON_API cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t) {
  return enter(__func__, [&](Device&) {
    require(
        limit == cudaLimitPrintfFifoSize || limit == cudaLimitStackSize || limit == cudaLimitMallocHeapSize,
        cudaErrorNotSupported, "device limit {} is not simulated", static_cast<int>(limit));
  });
}

AGON_API cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) {
  return cudaSuccess;
}

AGON_API cudaError_t cudaProfilerStart() {
  return cudaSuccess;
}
AGON_API cudaError_t cudaProfilerStop() {
  return cudaSuccess;
}
