#pragma once
#include <vector>

#include "agon/program.h"

#include "backend/cuda/device.h"

namespace agon::device {

/// The ring in device memory that every run writes its scalars into, and that the host reads now and then.
class RecordRing {
 public:
  RecordRing() = default;
  RecordRing(DevicePtr device, int scalars);

  /// The arguments of the launch that ends an iteration; `run` is where the run's number lies on the device,
  /// `sources` where the scalars do.
  cuda::RecordArgs args(const uint64_t* run, const std::vector<const float*>& sources) const;
  /// Notes a run before it is enqueued; fetches first where the ring is full. Returns the run's number.
  uint64_t next_run(uint64_t step);
  /// Waits for what is enqueued and hands out the records since the last call.
  std::vector<StepRecord> drain();

 private:
  static constexpr int capacity = 256;
  void fetch();

  DevicePtr device_;
  int count_ = 0;
  DeviceMemory values_, steps_, flags_;
  PinnedMemory host_;
  uint64_t run_ = 0;
  std::vector<uint64_t> pending_;  ///< steps of the runs that are in the ring only
  std::vector<StepRecord> fetched_;
};

}  // namespace agon::device
