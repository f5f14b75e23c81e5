// Captures of streams into graphs, and the events that tie streams together.
#pragma once

#include <cuda_runtime_api.h>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "cuda/simt/device/device.h"

namespace agon::simt {

struct Capture {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  Stream* origin = nullptr;
  unsigned long long id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool spoilt = false;  // by a call that must not be made during a capture
};

struct Event {
  bool timing = true;
  MomentPtr moment;                  // of its newest record; null: none yet
  std::shared_ptr<Capture> capture;  // instead: recorded in a capture, after these nodes
  std::vector<GraphNode*> captured;
};

namespace api {

cudaEvent_t adopt(std::unique_ptr<Event> event);
// Refuses a handle that is no event.
Event& event_of(cudaEvent_t handle);
void release(cudaEvent_t handle);
// Of all events, as the device is reset.
void forget_events();

// Adds the node that `make` makes after all that the stream captured so far.
GraphNode* capture_node(Stream& stream,
                        const std::function<GraphNode*(Graph&, const std::vector<GraphNode*>&)>& make);
// Work on the default stream would wait for streams that are being captured.
void refuse_implicit_sync(Device& device, const Stream& stream);
// The captures under way, each once.
std::vector<Capture*> captures(Device& device);

}  // namespace api
}  // namespace agon::simt
