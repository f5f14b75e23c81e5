#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "agon/error.h"

#include "backend/cuda/library.h"

namespace agon::device {

/// A device with its streams: the calls of the C table as C++. Shared by the stores and programs of a
/// backend.
class Device {
 public:
  /// `stream` is where to work, or null for a stream of its own.
  Device(std::shared_ptr<const Library> library, int index, void* stream);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const agon_cuda_table& cuda() const { return library_->table(); }
  agon_cuda_context* context() const { return context_; }
  /// Present if the device is a simulated one.
  const Simulator& simulator() const { return library_->simulator(); }
  const agon_cuda_device& facts() const { return facts_; }

  /// Throws unless `status` is agon_cuda_ok: out of memory and refusals as Error(unsupported), all else as
  /// Error(internal) with what the simulator reports.
  void require(int status, const std::string& what) const;
  /// Waits for all that is enqueued.
  void synchronize() const;

 private:
  std::shared_ptr<const Library> library_;
  agon_cuda_context* context_ = nullptr;
  agon_cuda_device facts_{};
};

using DevicePtr = std::shared_ptr<const Device>;

/// Device memory, freed with its owner.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  /// Uninitialised. Throws Error(unsupported) that says what was asked for `purpose` and what was free.
  DeviceMemory(DevicePtr device, size_t bytes, const std::string& purpose);
  std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }
  /// Enqueues zeroes.
  void clear() const;

 private:
  struct Free {
    DevicePtr device;
    void operator()(std::byte* p) const { device->cuda().release(device->context(), p); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

/// Pinned host memory, zero-filled.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  PinnedMemory(DevicePtr device, size_t bytes);
  std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    DevicePtr device;
    void operator()(std::byte* p) const { device->cuda().release_host(device->context(), p); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

/// Launches that were captured once and are made again as one.
class LaunchGraph {
 public:
  LaunchGraph() = default;
  /// Captures what `launch` enqueues on the compute stream.
  LaunchGraph(DevicePtr device, const std::function<void()>& launch);
  explicit operator bool() const { return graph_ != nullptr; }
  int kernels() const;
  void launch() const;

 private:
  struct Drop {
    DevicePtr device;
    void operator()(agon_cuda_graph* graph) const { device->cuda().drop_graph(device->context(), graph); }
  };
  std::unique_ptr<agon_cuda_graph, Drop> graph_;
};

/// A mark in a stream.
class Event {
 public:
  Event() = default;
  explicit Event(DevicePtr device, bool timed = false);
  agon_cuda_event* get() const { return event_.get(); }
  void record(agon_cuda_stream stream) const;
  /// What `stream` is given later waits for the mark.
  void hold(agon_cuda_stream stream) const;
  void wait() const;
  /// Seconds from here to `later`: both are timed marks that the device has reached.
  double until(const Event& later) const;

 private:
  struct Drop {
    DevicePtr device;
    void operator()(agon_cuda_event* e) const { device->cuda().drop_event(device->context(), e); }
  };
  std::unique_ptr<agon_cuda_event, Drop> event_;
};

}  // namespace agon::device
