// What all functions of the runtime's API share: the lock, the state of errors, handles.
#pragma once

#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <new>
#include <string>
#include <utility>

#include "agon/error.h"

#include "cuda/simt/device/device.h"

// The functions take the runtime's own prototypes, whose default visibility the version script keeps.
#define AGON_API extern "C" __attribute__((visibility("default")))

namespace agon::simt::api {

// Ends a call with an error of the runtime, and with words that say what was wrong.
struct Refusal {
  cudaError_t error;
  std::string message;
};

template <class... Args>
[[noreturn]] void refuse(cudaError_t error, fmt::format_string<Args...> format, Args&&... args) {
  throw Refusal{error, fmt::format(format, std::forward<Args>(args)...)};
}

template <class... Args>
void require(bool condition, cudaError_t error, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) refuse(error, format, std::forward<Args>(args)...);
}

// Notes the error of this thread's call and returns it.
cudaError_t note(const char* call, cudaError_t error, std::string message);
// The words of the thread's last error.
const std::string& last_message();

// Runs the body of a call under the device's lock. After a deadly fault it answers with the fault instead.
// The body may return a cudaError_t or nothing.
template <class Body>
cudaError_t enter(const char* call, Body&& body) {
  try {
    Device& device = Device::instance();
    const std::lock_guard lock(device.mutex());
    if (!device.startup_error().empty()) {
      return note(call, cudaErrorInitializationError, device.startup_error());
    }
    device.collect_host_faults();
    if (device.fault()) return note(call, static_cast<cudaError_t>(device.fault()), "an earlier fault");
    if constexpr (std::is_void_v<decltype(body(device))>) {
      body(device);
      return cudaSuccess;
    } else {
      const cudaError_t error = body(device);
      // Not ready is an answer, not an error.
      return error == cudaSuccess || error == cudaErrorNotReady ? error : note(call, error, "");
    }
  } catch (const Refusal& refusal) {
    return note(call, refusal.error, refusal.message);
  } catch (const Error& error) {
    const bool unsupported = error.kind() == ErrorKind::unsupported;
    return note(call, unsupported ? cudaErrorNotSupported : cudaErrorInvalidValue, error.what());
  } catch (const std::bad_alloc&) {
    return note(call, cudaErrorMemoryAllocation, "the host has no memory left");
  }
}

// After the host has waited: what the executed work brought to light.
cudaError_t settle(Device& device);

// The stream of a handle: null and cudaStreamLegacy are the default one.
Stream& stream_of(Device& device, cudaStream_t handle);
// Puts work into the stream, or into the graph that it is captured into.
void submit(Device& device, Stream& stream, Work work);
// Refuses what must not be called while a capture is under way that this thread started (or any, in global
// mode), and spoils that capture, as the runtime does.
void refuse_during_capture(Device& device, const char* what);

}  // namespace agon::simt::api
