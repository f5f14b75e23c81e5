#include "backend/cuda/device.h"

#include <cstring>

namespace agon::device {

Device::Device(std::shared_ptr<const Library> library, int index, void* stream)
    : library_(std::move(library)) {
  const auto attempt = [&](int status) {
    if (status == agon_cuda_ok) return;
    if (simulator().present())
      fail(ErrorKind::unsupported, "the simulated device cannot be used: {}; use --device cpu",
           simulator().last_message());
    fail(ErrorKind::unsupported, "CUDA device {} cannot be used: {}; use --device cpu", index,
         cuda().last_error(nullptr));
  };
  attempt(cuda().describe(index, &facts_));
  attempt(cuda().open(index, stream, &context_));
}

Device::~Device() {
  cuda().close(context_);
}

void Device::require(int status, const std::string& what) const {
  if (status == agon_cuda_ok) return;
  const std::string error = cuda().last_error(context_);
  if (status == agon_cuda_refused)
    fail(ErrorKind::unsupported, "{}: {}: its sizes are beyond this kernel's limits; use --device cpu", what,
         error);
  const auto reports = simulator().take_reports();
  std::string found = reports.empty() ? "" : "; " + reports.front();
  if (reports.size() > 1) found += fmt::format(" (and {} more reports)", reports.size() - 1);
  fail(status == agon_cuda_out_of_memory ? ErrorKind::unsupported : ErrorKind::internal, "{}: {}{}", what,
       error, found);
}

void Device::synchronize() const {
  require(cuda().synchronize(context_), facts_.name);
}

DeviceMemory::DeviceMemory(DevicePtr device, size_t bytes, const std::string& purpose)
    : data_(nullptr, Free{device}), size_(bytes) {
  if (bytes == 0) return;
  void* memory = nullptr;
  const int status = device->cuda().allocate(device->context(), bytes, &memory);
  if (status == agon_cuda_out_of_memory) {
    size_t free = 0, total = 0;
    device->cuda().free_memory(device->context(), &free, &total);
    fail(ErrorKind::unsupported, "{}: {} takes {} bytes of device memory, {} of {} are free",
         device->facts().name, purpose, bytes, free, total);
  }
  device->require(status, purpose);
  data_.reset(static_cast<std::byte*>(memory));
}

void DeviceMemory::clear() const {
  const Device& device = *data_.get_deleter().device;
  device.require(device.cuda().zero(device.context(), data(), size_), "clearing memory");
}

PinnedMemory::PinnedMemory(DevicePtr device, size_t bytes) : data_(nullptr, Free{device}), size_(bytes) {
  if (bytes == 0) return;
  void* memory = nullptr;
  device->require(device->cuda().allocate_host(device->context(), bytes, &memory), "pinned memory");
  data_.reset(static_cast<std::byte*>(memory));
  std::memset(memory, 0, bytes);
}

LaunchGraph::LaunchGraph(DevicePtr device, const std::function<void()>& launch)
    : graph_(nullptr, Drop{device}) {
  const auto& cuda = device->cuda();
  agon_cuda_graph* graph = nullptr;
  device->require(cuda.begin_capture(device->context()), "capture");
  try {
    launch();
  } catch (...) {
    cuda.end_capture(device->context(), &graph);
    graph_.reset(graph);
    throw;
  }
  device->require(cuda.end_capture(device->context(), &graph), "capture");
  graph_.reset(graph);
}

int LaunchGraph::kernels() const {
  return graph_.get_deleter().device->cuda().kernel_count(graph_.get());
}

void LaunchGraph::launch() const {
  const Device& device = *graph_.get_deleter().device;
  device.require(device.cuda().launch_graph(device.context(), graph_.get()), "iteration");
}

Event::Event(DevicePtr device, bool timed) : event_(nullptr, Drop{device}) {
  agon_cuda_event* event = nullptr;
  device->require(device->cuda().make_event(device->context(), timed ? 1 : 0, &event), "event");
  event_.reset(event);
}

void Event::record(agon_cuda_stream stream) const {
  const Device& device = *event_.get_deleter().device;
  device.require(device.cuda().record_event(device.context(), stream, get()), "event");
}

void Event::hold(agon_cuda_stream stream) const {
  const Device& device = *event_.get_deleter().device;
  device.require(device.cuda().stream_wait(device.context(), stream, get()), "event");
}

void Event::wait() const {
  const Device& device = *event_.get_deleter().device;
  device.require(device.cuda().host_wait(device.context(), get()), device.facts().name);
}

double Event::until(const Event& later) const {
  const Device& device = *event_.get_deleter().device;
  float milliseconds = 0;
  device.require(device.cuda().elapsed(device.context(), get(), later.get(), &milliseconds), "timing");
  return double{milliseconds} * 1e-3;
}

}  // namespace agon::device
