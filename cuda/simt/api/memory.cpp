// Allocations, on the device and pinned on the host.
#include <algorithm>
#include <unordered_map>

#include "cuda/simt/api/capture.h"
#include "cuda/simt/api/support.h"

using namespace agon::simt;
using namespace agon::simt::api;

namespace {

std::uint64_t as_address(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

void* allocate(Device& device, std::size_t bytes, AllocationKind kind) {
  if (bytes == 0) return nullptr;
  const std::uint64_t address = device.memory().allocate(bytes, kind);
  require(address != 0, cudaErrorMemoryAllocation, "{} bytes asked for, {} of {} are free", bytes,
          device.memory().capacity() - device.memory().allocated(), device.memory().capacity());
  return reinterpret_cast<void*>(address);
}

void release(Device& device, void* pointer, AllocationKind kind) {
  if (!pointer) return;
  // What is queued may still use it: the runtime waits for the device.
  device.scheduler().finish_all();
  require(device.memory().release(as_address(pointer), kind), cudaErrorInvalidValue,
          "{} is the start of no live allocation: {}", pointer,
          device.memory().describe(as_address(pointer)));
}

}  // namespace

AGON_API cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return enter(__func__, [&](Device& device) {
    refuse_during_capture(device, __func__);
    *pointer = allocate(device, bytes, AllocationKind::device);
  });
}

AGON_API cudaError_t cudaFree(void* pointer) {
  return enter(__func__, [&](Device& device) {
    refuse_during_capture(device, __func__);
    release(device, pointer, AllocationKind::device);
    return settle(device);
  });
}

AGON_API cudaError_t cudaMallocPitch(void** pointer, size_t* pitch, size_t width, size_t height) {
  *pitch = (width + 511) / 512 * 512;
  return cudaMalloc(pointer, *pitch * height);
}

AGON_API cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  return enter(__func__, [&](Device& device) {
    require(!stream_of(device, stream).capture, cudaErrorNotSupported,
            "allocations inside graphs are not simulated");
    *pointer = allocate(device, bytes, AllocationKind::device);
  });
}

AGON_API cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return enter(__func__, [&](Device& device) {
    Stream& target = stream_of(device, stream);
    require(!target.capture, cudaErrorNotSupported, "allocations inside graphs are not simulated");
    if (!pointer) return;
    const auto found = device.memory().find(as_address(pointer));
    require(found && found->address == as_address(pointer), cudaErrorInvalidValue,
            "{} is the start of no live allocation", pointer);
    submit(device, target, FreeWork{pointer});
  });
}

AGON_API cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned flags) {
  return enter(__func__, [&](Device& device) {
    require((flags & ~(cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined)) == 0,
            cudaErrorInvalidValue, "unknown flags {:#x}", flags);
    refuse_during_capture(device, __func__);
    *pointer = allocate(device, bytes, AllocationKind::pinned);
  });
}

AGON_API cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

AGON_API cudaError_t cudaFreeHost(void* pointer) {
  return enter(__func__, [&](Device& device) {
    refuse_during_capture(device, __func__);
    release(device, pointer, AllocationKind::pinned);
    return settle(device);
  });
}

AGON_API cudaError_t cudaHostRegister(void* pointer, size_t bytes, unsigned) {
  return enter(__func__, [&](Device& device) {
    require(pointer && bytes > 0, cudaErrorInvalidValue, "nothing to register");
    require(!device.memory().in_range(as_address(pointer)), cudaErrorInvalidValue,
            "the memory is the device's own");
    device.memory().register_host(pointer, bytes);
  });
}

AGON_API cudaError_t cudaHostUnregister(void* pointer) {
  return enter(__func__, [&](Device& device) {
    require(device.memory().unregister_host(pointer), cudaErrorHostMemoryNotRegistered,
            "{} was not registered", pointer);
  });
}

AGON_API cudaError_t cudaHostGetDevicePointer(void** device_pointer, void* pointer, unsigned) {
  return enter(__func__, [&](Device& device) {
    require(device.memory().valid(as_address(pointer), 1), cudaErrorInvalidValue, "{} is no pinned memory",
            pointer);
    *device_pointer = pointer;
  });
}

AGON_API cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return enter(__func__, [&](Device& device) {
    const Memory& memory = device.memory();
    if (total) *total = memory.capacity();
    if (free) *free = memory.capacity() - std::min(memory.capacity(), memory.allocated());
  });
}

AGON_API cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return enter(__func__, [&](Device& device) {
    *attributes = {};
    attributes->type = cudaMemoryTypeUnregistered;
    attributes->device = -1;
    attributes->hostPointer = const_cast<void*>(pointer);
    if (!device.memory().valid(as_address(pointer), 1)) return;
    attributes->device = 0;
    attributes->devicePointer = const_cast<void*>(pointer);
    const auto found = device.memory().find(as_address(pointer));
    const bool on_device = found && found->kind == AllocationKind::device;
    attributes->type = on_device ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
    if (on_device) attributes->hostPointer = nullptr;
  });
}
