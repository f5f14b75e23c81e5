#include "backend/cuda/feed.h"

#include <algorithm>
#include <cstring>

namespace agon::device {

Feed::Feed(DevicePtr device, size_t bytes) : device_(std::move(device)) {
  for (Slot& slot : slots_) {
    slot.host = PinnedMemory(device_, bytes);
    slot.device = DeviceMemory(device_, bytes, "inputs");
    slot.uploaded = Event(device_);
    slot.done = Event(device_);
  }
}

/// Goes on to the other slot once the device has done with it.
void Feed::turn() {
  if (turned_) return;
  next_ = (next_ + 1) % slots;
  slots_[static_cast<size_t>(next_)].done.wait();
  turned_ = true;
}

std::span<std::byte> Feed::open(size_t offset, size_t bytes) {
  turn();
  opened_.emplace_back(offset, bytes);
  return {slots_[static_cast<size_t>(next_)].host.data() + offset, bytes};
}

int Feed::send() {
  Slot& slot = slots_[static_cast<size_t>(next_)];
  if (turned_ && slot.host.size() > 0) {
    const Slot& old = slots_[static_cast<size_t>(last_)];
    std::ranges::sort(opened_);
    size_t at = 0;
    const auto keep = [&](size_t end) {  // what was not opened
      if (next_ != last_ && end > at) std::memcpy(slot.host.data() + at, old.host.data() + at, end - at);
    };
    for (const auto& [offset, bytes] : opened_) {
      keep(offset);
      at = std::max(at, offset + bytes);
    }
    keep(slot.host.size());
    slot.done.hold(agon_cuda_copy);
    device_->require(device_->cuda().upload(device_->context(), agon_cuda_copy, slot.device.data(),
                                            slot.host.data(), slot.host.size()),
                     "inputs");
    slot.uploaded.record(agon_cuda_copy);
    slot.uploaded.hold(agon_cuda_compute);
  }
  opened_.clear();
  turned_ = false;
  last_ = next_;
  return last_;
}

void Feed::sent(int slot) const {
  slots_[static_cast<size_t>(slot)].done.record(agon_cuda_compute);
}

StepBlock::StepBlock(DevicePtr device, size_t bytes)
    : device_(std::move(device)),
      bytes_((bytes + 15) / 16 * 16),
      values_(bytes_),
      host_(device_, bytes_ * depth),
      device_memory_(device_, bytes_, "step block") {
  for (Event& event : read_) event = Event(device_);
}

void StepBlock::set(size_t offset, float value) {
  std::memcpy(values_.data() + offset, &value, sizeof value);
}

void StepBlock::send(uint64_t step, uint64_t run) {
  const auto turn = static_cast<size_t>(run % depth);
  const agon_cuda_step head{step, run};
  read_[turn].wait();
  std::memcpy(values_.data(), &head, sizeof head);
  std::byte* source = host_.data() + turn * bytes_;
  std::ranges::copy(values_, source);
  device_->require(
      device_->cuda().upload(device_->context(), agon_cuda_compute, device_memory_.data(), source, bytes_),
      "step block");
  read_[turn].record(agon_cuda_compute);
}

}  // namespace agon::device
