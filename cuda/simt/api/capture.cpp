#include "cuda/simt/api/capture.h"

#include <algorithm>
#include <unordered_map>

#include "cuda/simt/api/graph_handles.h"
#include "cuda/simt/api/support.h"

namespace agon::simt::api {
namespace {

std::unordered_map<cudaEvent_t, std::unique_ptr<Event>>& events() {
  static auto* all = new std::unordered_map<cudaEvent_t, std::unique_ptr<Event>>;
  return *all;
}

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

void leave_capture(Device& device, const Capture* capture) {
  for (Stream* stream : device.scheduler().streams()) {
    if (stream->capture.get() == capture) {
      stream->capture_tail.clear();
      stream->capture.reset();
    }
  }
}

void begin(Device& device, cudaStream_t handle, cudaStreamCaptureMode mode, std::shared_ptr<Graph> graph,
           std::vector<GraphNode*> tail) {
  static unsigned long long captures_begun = 0;
  Stream& stream = stream_of(device, handle);
  require(&stream != &device.scheduler().default_stream(), cudaErrorStreamCaptureUnsupported,
          "the default stream cannot be captured");
  require(!stream.capture, cudaErrorIllegalState, "the stream is being captured already");
  auto capture = std::make_shared<Capture>();
  if (graph) capture->graph = std::move(graph);
  capture->origin = &stream;
  capture->id = ++captures_begun;
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  stream.capture = std::move(capture);
  stream.capture_tail = std::move(tail);
}

}  // namespace

cudaEvent_t adopt(std::unique_ptr<Event> event) {
  const auto handle = reinterpret_cast<cudaEvent_t>(event.get());
  events()[handle] = std::move(event);
  return handle;
}

Event& event_of(cudaEvent_t handle) {
  const auto found = events().find(handle);
  require(found != events().end(), cudaErrorInvalidResourceHandle, "the event was destroyed or never made");
  return *found->second;
}

void release(cudaEvent_t handle) {
  event_of(handle);
  events().erase(handle);
}

void forget_events() {
  events().clear();
}

GraphNode* capture_node(Stream& stream,
                        const std::function<GraphNode*(Graph&, const std::vector<GraphNode*>&)>& make) {
  require(!stream.capture->spoilt, cudaErrorStreamCaptureInvalidated,
          "the capture was spoilt by an earlier call");
  GraphNode* node = make(*stream.capture->graph, stream.capture_tail);
  stream.capture_tail = {node};
  return node;
}

std::vector<Capture*> captures(Device& device) {
  std::vector<Capture*> all;
  for (const Stream* stream : device.scheduler().streams()) {
    Capture* capture = stream->capture.get();
    if (capture && std::find(all.begin(), all.end(), capture) == all.end()) all.push_back(capture);
  }
  return all;
}

void refuse_implicit_sync(Device& device, const Stream& stream) {
  if (&stream != &device.scheduler().default_stream()) return;
  for (const Stream* other : device.scheduler().streams()) {
    if (other->blocking && other->capture) {
      other->capture->spoilt = true;
      refuse(cudaErrorStreamCaptureImplicit,
             "work on the default stream waits for a blocking stream that is being captured");
    }
  }
}

void refuse_during_capture(Device& device, const char* what) {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return;
  for (Capture* capture : captures(device)) {
    const bool ours = capture->thread == std::this_thread::get_id();
    const bool concerns = (capture->mode == cudaStreamCaptureModeGlobal &&
                           (ours || thread_mode == cudaStreamCaptureModeGlobal)) ||
                          (capture->mode == cudaStreamCaptureModeThreadLocal && ours);
    if (!concerns) continue;
    capture->spoilt = true;
    refuse(cudaErrorStreamCaptureUnsupported, "{} must not be called while a stream is being captured", what);
  }
}

}  // namespace agon::simt::api

using namespace agon::simt;
using namespace agon::simt::api;

AGON_API cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return enter(__func__, [&](Device& device) { begin(device, stream, mode, nullptr, {}); });
}

AGON_API cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t stream, cudaGraph_t graph,
                                                   const cudaGraphNode_t* dependencies,
                                                   const cudaGraphEdgeData* edges, size_t count,
                                                   cudaStreamCaptureMode mode) {
  return enter(__func__, [&](Device& device) {
    require(edges == nullptr, cudaErrorNotSupported, "edges with data are not simulated");
    begin(device, stream, mode, graph_of(graph), nodes_of(dependencies, count));
  });
}

AGON_API cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* result) {
  return enter(__func__, [&](Device& device) {
    *result = nullptr;
    Stream& stream = stream_of(device, handle);
    require(stream.capture != nullptr, cudaErrorIllegalState, "the stream is not being captured");
    const std::shared_ptr<Capture> capture = stream.capture;
    require(capture->origin == &stream, cudaErrorStreamCaptureUnmatched,
            "a capture ends on the stream on which it began");
    require(capture->mode == cudaStreamCaptureModeRelaxed || capture->thread == std::this_thread::get_id(),
            cudaErrorStreamCaptureWrongThread, "a capture ends on the thread that began it");
    const std::vector<GraphNode*> tail = stream.capture_tail;
    std::vector<GraphNode*> open;  // ends of other streams that the first one did not wait for
    for (const Stream* other : device.scheduler().streams()) {
      if (other == &stream || other->capture != capture) continue;
      open.insert(open.end(), other->capture_tail.begin(), other->capture_tail.end());
    }
    leave_capture(device, capture.get());
    require(!capture->spoilt, cudaErrorStreamCaptureInvalidated, "the capture was spoilt by an earlier call");
    const std::vector<GraphNode*> leaves = capture->graph->leaves();
    for (const GraphNode* node : open) {
      const bool leaf = std::find(leaves.begin(), leaves.end(), node) != leaves.end();
      const bool joined = std::find(tail.begin(), tail.end(), node) != tail.end();
      require(!leaf || joined, cudaErrorStreamCaptureUnjoined,
              "a stream that joined the capture has work that the first stream does not wait for");
    }
    *result = adopt(capture->graph);
  });
}

AGON_API cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return enter(__func__, [&](Device& device) {
    const Stream& stream = stream_of(device, handle);
    if (&stream == &device.scheduler().default_stream()) refuse_implicit_sync(device, stream);
    *status = !stream.capture          ? cudaStreamCaptureStatusNone
              : stream.capture->spoilt ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  });
}

AGON_API cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                              unsigned long long* id, cudaGraph_t* graph,
                                              const cudaGraphNode_t** dependencies,
                                              const cudaGraphEdgeData** edges, size_t* count) {
  return enter(__func__, [&](Device& device) {
    const Stream& stream = stream_of(device, handle);
    *status = cudaStreamCaptureStatusNone;
    if (!stream.capture) return;
    *status = stream.capture->spoilt ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
    if (id) *id = stream.capture->id;
    if (graph) *graph = adopt(stream.capture->graph);
    if (dependencies) {
      *dependencies = reinterpret_cast<const cudaGraphNode_t*>(stream.capture_tail.data());
    }
    if (edges) *edges = nullptr;
    if (count) *count = stream.capture_tail.size();
  });
}

AGON_API cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t handle, cudaGraphNode_t* dependencies,
                                                         const cudaGraphEdgeData* edges, size_t count,
                                                         unsigned flags) {
  return enter(__func__, [&](Device& device) {
    require(edges == nullptr, cudaErrorNotSupported, "edges with data are not simulated");
    Stream& stream = stream_of(device, handle);
    require(stream.capture != nullptr, cudaErrorIllegalState, "the stream is not being captured");
    if (flags == cudaStreamSetCaptureDependencies) stream.capture_tail.clear();
    for (GraphNode* node : nodes_of(dependencies, count)) stream.capture_tail.push_back(node);
  });
}

AGON_API cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return enter(__func__, [&](Device&) { std::swap(*mode, thread_mode); });
}
