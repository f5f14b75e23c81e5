#include "backend/cuda/record_ring.h"

#include <utility>

namespace agon::device {

RecordRing::RecordRing(DevicePtr device, int scalars) : device_(std::move(device)), count_(scalars) {
  check(scalars <= cuda::record_max_scalars, ErrorKind::unsupported,
        "cuda: {} scalar outputs, at most {} can be recorded; use --device cpu", scalars,
        cuda::record_max_scalars);
  const auto slots = static_cast<size_t>(capacity);
  values_ = DeviceMemory(device_, slots * static_cast<size_t>(count_) * sizeof(float), "records");
  steps_ = DeviceMemory(device_, slots * sizeof(uint64_t), "records");
  flags_ = DeviceMemory(device_, slots * sizeof(int32_t), "records");
  host_ = PinnedMemory(device_, values_.size());
  // A fetch reads whole ring at once, slots that no run has written among them.
  if (count_ > 0) values_.clear();
}

cuda::RecordArgs RecordRing::args(const uint64_t* run, const std::vector<const float*>& sources) const {
  cuda::RecordArgs args;
  std::copy(sources.begin(), sources.end(), args.scalars);
  args.count = count_;
  args.ring = reinterpret_cast<float*>(values_.data());
  args.steps = reinterpret_cast<uint64_t*>(steps_.data());
  args.flags = reinterpret_cast<int32_t*>(flags_.data());
  args.pitch = count_;
  args.capacity = capacity;
  args.step = run;
  return args;
}

uint64_t RecordRing::next_run(uint64_t step) {
  if (pending_.size() == static_cast<size_t>(capacity)) fetch();
  if (count_ > 0) pending_.push_back(step);
  return run_++;
}

void RecordRing::fetch() {
  if (pending_.empty()) return;
  device_->require(device_->cuda().download(device_->context(), agon_cuda_compute, host_.data(),
                                            values_.data(), values_.size()),
                   "records");
  device_->synchronize();
  const auto* values = reinterpret_cast<const float*>(host_.data());
  const uint64_t first = run_ - pending_.size();
  for (size_t i = 0; i < pending_.size(); ++i) {
    const float* slot = values + (first + i) % capacity * static_cast<uint64_t>(count_);
    fetched_.push_back({pending_[i], {slot, slot + count_}});
  }
  pending_.clear();
}

std::vector<StepRecord> RecordRing::drain() {
  fetch();
  return std::exchange(fetched_, {});
}

}  // namespace agon::device
