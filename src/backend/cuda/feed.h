#pragma once
#include <array>
#include <span>

#include "backend/cuda/device.h"

namespace agon::device {

/// A program's inputs: two sets of pinned host memory and device memory, used in turn, so that the next batch
/// is written and uploaded (on the copy stream) while the device works on the last.
class Feed {
 public:
  static constexpr int slots = 2;

  Feed() = default;
  Feed(DevicePtr device, size_t bytes);

  /// Host memory of the next run's input at `offset`; waits until the device has read what lay there.
  std::span<std::byte> open(size_t offset, size_t bytes);
  /// Enqueues the uploads of the next run and returns its slot. Inputs that were not opened since the last
  /// run keep their values.
  int send();
  /// Notes that the compute stream has been given all that reads the slot.
  void sent(int slot) const;
  int last_slot() const { return last_; }
  std::byte* memory(int slot) const { return slots_[static_cast<size_t>(slot)].device.data(); }

 private:
  struct Slot {
    PinnedMemory host;
    DeviceMemory device;
    Event uploaded, done;
  };
  void turn();

  DevicePtr device_;
  std::array<Slot, slots> slots_;
  std::vector<std::pair<size_t, size_t>> opened_;  ///< (offset, bytes) since the last run
  int next_ = 0, last_ = 0;
  bool turned_ = true;  ///< next_ is ready to be written
};

/// The step block: what changes between runs, in one small upload in front of each.
class StepBlock {
 public:
  StepBlock() = default;
  StepBlock(DevicePtr device, size_t bytes);
  /// Sets the scalar at `offset` bytes for the runs to come.
  void set(size_t offset, float value);
  /// Enqueues the upload for run number `run`.
  void send(uint64_t step, uint64_t run);
  std::byte* memory() const { return device_memory_.data(); }

 private:
  static constexpr int depth = 4;  ///< runs that may be enqueued at once

  DevicePtr device_;
  size_t bytes_ = 0;
  std::vector<std::byte> values_;
  PinnedMemory host_;  ///< `depth` blocks
  DeviceMemory device_memory_;
  std::array<Event, depth> read_;
};

}  // namespace agon::device
