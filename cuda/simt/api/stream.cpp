#include <algorithm>

#include "cuda/simt/api/capture.h"
#include "cuda/simt/api/support.h"

using namespace agon::simt;
using namespace agon::simt::api;

namespace {

constexpr int least_priority = 0, greatest_priority = -5;

cudaStream_t handle_of(Stream* stream) {
  return reinterpret_cast<cudaStream_t>(stream);
}

// Waits of the host are not allowed for a stream that is being captured.
void refuse_wait(Stream& stream) {
  if (!stream.capture) return;
  stream.capture->spoilt = true;
  refuse(cudaErrorStreamCaptureUnsupported, "the host cannot wait for a stream that is being captured");
}

cudaError_t query(Device& device, const MomentPtr& moment) {
  // A program that polls must get on.
  if (!moment->reached) device.scheduler().step();
  if (device.fault()) return settle(device);
  if (!moment->reached) return cudaErrorNotReady;
  device.scheduler().seen(*moment);
  return settle(device);
}

}  // namespace

AGON_API cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  return enter(__func__, [&](Device& device) {
    require((flags & ~cudaStreamNonBlocking) == 0, cudaErrorInvalidValue, "unknown flags {:#x}", flags);
    priority = std::clamp(priority, greatest_priority, least_priority);
    *stream = handle_of(device.scheduler().create_stream(flags != cudaStreamNonBlocking, priority));
  });
}

AGON_API cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

AGON_API cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, 0, 0);
}

AGON_API cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return enter(__func__, [&](Device& device) {
    Stream& stream = stream_of(device, handle);
    require(&stream != &device.scheduler().default_stream(), cudaErrorInvalidResourceHandle,
            "the default stream cannot be destroyed");
    device.scheduler().destroy_stream(&stream);
  });
}

AGON_API cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return enter(__func__, [&](Device& device) {
    Stream& stream = stream_of(device, handle);
    refuse_wait(stream);
    refuse_implicit_sync(device, stream);
    device.scheduler().finish(device.scheduler().mark(stream));
    return settle(device);
  });
}

AGON_API cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return enter(__func__, [&](Device& device) {
    Stream& stream = stream_of(device, handle);
    refuse_wait(stream);
    refuse_implicit_sync(device, stream);
    return query(device, stream.tail);
  });
}

AGON_API cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned flags) {
  return enter(__func__, [&](Device& device) {
    require(flags == cudaEventWaitDefault, cudaErrorNotSupported,
            "external events in captures are not simulated");
    Stream& stream = stream_of(device, handle);
    const Event& e = event_of(event);
    if (e.capture) {
      require(!stream.capture || stream.capture == e.capture, cudaErrorStreamCaptureMerge,
              "the event belongs to another capture");
      require(&stream != &device.scheduler().default_stream(), cudaErrorStreamCaptureUnsupported,
              "the default stream cannot be captured");
      stream.capture = e.capture;
      for (GraphNode* node : e.captured) {
        if (std::find(stream.capture_tail.begin(), stream.capture_tail.end(), node) ==
            stream.capture_tail.end()) {
          stream.capture_tail.push_back(node);
        }
      }
      return;
    }
    require(!stream.capture || !e.moment, cudaErrorStreamCaptureIsolation,
            "a captured stream cannot wait for an event that was recorded outside of the capture");
    if (e.moment) device.scheduler().wait(stream, e.moment);
  });
}

AGON_API cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned* flags) {
  return enter(__func__, [&](Device& device) {
    *flags = stream_of(device, handle).blocking ? cudaStreamDefault : cudaStreamNonBlocking;
  });
}

AGON_API cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
  return enter(__func__, [&](Device& device) { *priority = stream_of(device, handle).priority; });
}

AGON_API cudaError_t cudaStreamGetId(cudaStream_t handle, unsigned long long* id) {
  return enter(__func__, [&](Device& device) { *id = stream_of(device, handle).id; });
}

AGON_API cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* number) {
  return enter(__func__, [&](Device& device) {
    stream_of(device, handle);
    *number = 0;
  });
}

AGON_API cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least) *least = least_priority;
  if (greatest) *greatest = greatest_priority;
  return cudaSuccess;
}

AGON_API cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  return enter(__func__, [&](Device& device) {
    require(function != nullptr, cudaErrorInvalidValue, "no function");
    submit(device, stream_of(device, handle), HostWork{function, data});
  });
}

AGON_API cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return enter(__func__, [&](Device&) {
    require((flags & ~(cudaEventBlockingSync | cudaEventDisableTiming)) == 0, cudaErrorNotSupported,
            "event flags {:#x} are not simulated", flags);
    *event =
        adopt(std::make_unique<Event>(Event{(flags & cudaEventDisableTiming) == 0, nullptr, nullptr, {}}));
  });
}

AGON_API cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

AGON_API cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return enter(__func__, [&](Device&) { release(event); });
}

AGON_API cudaError_t cudaEventRecordWithFlags(cudaEvent_t handle, cudaStream_t stream_handle,
                                              unsigned flags) {
  return enter(__func__, [&](Device& device) {
    require(flags == cudaEventRecordDefault, cudaErrorNotSupported,
            "external events in captures are not simulated");
    Event& event = event_of(handle);
    Stream& stream = stream_of(device, stream_handle);
    if (stream.capture) {
      require(!stream.capture->spoilt, cudaErrorStreamCaptureInvalidated,
              "the capture was spoilt by an earlier call");
      event.capture = stream.capture;
      event.captured = stream.capture_tail;
      return;
    }
    refuse_implicit_sync(device, stream);
    event.capture.reset();
    event.captured.clear();
    event.moment = device.scheduler().mark(stream);
  });
}

AGON_API cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
}

AGON_API cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return enter(__func__, [&](Device& device) {
    const Event& event = event_of(handle);
    require(!event.capture, cudaErrorCapturedEvent, "the event was recorded in a capture");
    return event.moment ? query(device, event.moment) : cudaSuccess;
  });
}

AGON_API cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return enter(__func__, [&](Device& device) {
    const Event& event = event_of(handle);
    require(!event.capture, cudaErrorCapturedEvent, "the event was recorded in a capture");
    if (event.moment) device.scheduler().finish(event.moment);
    return settle(device);
  });
}

AGON_API cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  return enter(__func__, [&](Device&) {
    const Event &a = event_of(from), &b = event_of(to);
    require(a.timing && b.timing, cudaErrorInvalidResourceHandle, "an event was made without timing");
    require(a.moment && b.moment, cudaErrorInvalidResourceHandle, "an event was never recorded");
    if (!a.moment->reached || !b.moment->reached) return cudaErrorNotReady;
    *milliseconds = static_cast<float>((b.moment->time - a.moment->time) * 1e3);
    return cudaSuccess;
  });
}
