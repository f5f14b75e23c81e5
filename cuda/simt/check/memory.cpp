#include "cuda/simt/check/memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agon/error.h"

#include "cuda/simt/check/host.h"
#include "cuda/simt/check/shadow.h"

namespace agon::simt {
namespace {

constexpr std::uint64_t red_zone = 256;
constexpr std::uint64_t page = 4096;

std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::uint64_t map(int file, std::uint64_t offset, std::uint64_t bytes, int access, std::uint64_t at) {
  const int flags = MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0);
  void* mapping = mmap(reinterpret_cast<void*>(at), bytes, access, flags, file, static_cast<off_t>(offset));
  check(mapping != MAP_FAILED, ErrorKind::io,
        "simt: cannot reserve {} GiB of addresses for the simulated device ({}); lift the limit of virtual "
        "memory (ulimit -v)",
        bytes >> 30, std::strerror(errno));
  return reinterpret_cast<std::uint64_t>(mapping);
}

}  // namespace

Memory::Memory(std::uint64_t capacity, bool checks) : capacity_(capacity) {
  file_ = memfd_create("agon-simt", MFD_CLOEXEC);
  check(file_ >= 0 && ftruncate(file_, static_cast<off_t>(range_bytes)) == 0, ErrorKind::io,
        "simt: cannot create the simulated device's memory ({})", std::strerror(errno));
  base_ = map(file_, 0, range_bytes, PROT_NONE, 0);
  map(file_, pinned_offset, range_bytes - pinned_offset, PROT_READ | PROT_WRITE, base_ + pinned_offset);
  delta_ = map(file_, 0, range_bytes, PROT_READ | PROT_WRITE, 0) - base_;
  next_[0] = base_ + page;
  next_[1] = base_ + pinned_offset + page;
  if (checks) shadow_ = std::make_unique<GlobalShadow>(range_bytes / 4);
  watch_host_accesses(base_, pinned_offset);
}

Memory::~Memory() {
  unwatch_host_accesses(base_);
  munmap(reinterpret_cast<void*>(base_), range_bytes);
  munmap(reinterpret_cast<void*>(base_ + delta_), range_bytes);
  close(file_);
}

// Next fit: behind what was given out last, so that freed addresses stay unused as long as possible.
std::uint64_t Memory::place(std::uint64_t bytes, AllocationKind kind, std::uint64_t align) {
  const bool pinned = kind == AllocationKind::pinned;
  const std::uint64_t begin = base_ + (pinned ? pinned_offset : 0) + page;
  const std::uint64_t end = base_ + (pinned ? range_bytes : pinned_offset) - page;
  const std::uint64_t need = round_up(bytes, red_zone) + red_zone;
  std::uint64_t at = round_up(next_[pinned], align);
  bool wrapped = false;
  for (;;) {
    if (at + need > end) {
      if (wrapped) return 0;
      wrapped = true;
      at = round_up(begin, align);
      continue;
    }
    auto other = allocations_.lower_bound(at + need);
    const Allocation* blocker = nullptr;
    while (other != allocations_.begin()) {
      const Allocation& candidate = std::prev(other)->second;
      if (candidate.address + round_up(candidate.bytes, red_zone) + red_zone <= at) break;
      if (candidate.live) {
        blocker = &candidate;
        break;
      }
      --other;
    }
    if (!blocker) break;
    at = round_up(blocker->address + round_up(blocker->bytes, red_zone) + red_zone, align);
  }
  // What was freed here is gone for good.
  auto old = allocations_.lower_bound(at);
  while (old != allocations_.end() && old->first < at + need) old = allocations_.erase(old);
  if (old != allocations_.begin()) {
    const auto before = std::prev(old);
    if (before->first < at && before->first + before->second.bytes > at) allocations_.erase(before);
  }
  next_[pinned] = at + need;
  return at;
}

std::uint64_t Memory::allocate(std::uint64_t bytes, AllocationKind kind, std::string_view label,
                               std::uint64_t align) {
  const std::lock_guard lock(mutex_);
  const bool device = kind == AllocationKind::device;
  if (bytes > range_bytes || (device && (bytes > capacity_ || allocated_ > capacity_ - bytes))) return 0;
  const std::uint64_t address = place(std::max<std::uint64_t>(bytes, 1), kind, std::max(align, red_zone));
  if (!address) return 0;
  allocations_[address] = {address, bytes, kind, true, std::string(label)};
  if (device) allocated_ += bytes;
  if (shadow_) shadow_->open(address - base_, bytes, !device);
  return address;
}

bool Memory::release(std::uint64_t address, AllocationKind kind) {
  const std::lock_guard lock(mutex_);
  const auto found = allocations_.find(address);
  if (found == allocations_.end() || !found->second.live || found->second.kind != kind) return false;
  Allocation& allocation = found->second;
  allocation.live = false;
  if (kind == AllocationKind::device) allocated_ -= allocation.bytes;
  const std::uint64_t begin = address - base_;
  if (shadow_) shadow_->close(begin, allocation.bytes);
  const std::uint64_t first = round_up(begin, page), last = (begin + allocation.bytes) / page * page;
  if (last > first)
    fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(first),
              static_cast<off_t>(last - first));
  return true;
}

void Memory::register_host(const void* data, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  registered_[reinterpret_cast<std::uint64_t>(data)] = bytes;
}

bool Memory::unregister_host(const void* data) {
  const std::lock_guard lock(mutex_);
  return registered_.erase(reinterpret_cast<std::uint64_t>(data)) != 0;
}

std::optional<Allocation> Memory::find(std::uint64_t address) const {
  const std::lock_guard lock(mutex_);
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return std::nullopt;
  const Allocation& allocation = std::prev(after)->second;
  if (!allocation.live || address - allocation.address >= std::max<std::uint64_t>(allocation.bytes, 1))
    return std::nullopt;
  return allocation;
}

bool Memory::freed(std::uint64_t address) const {
  const std::lock_guard lock(mutex_);
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return false;
  const Allocation& allocation = std::prev(after)->second;
  return !allocation.live && address - allocation.address < allocation.bytes;
}

bool Memory::valid(std::uint64_t address, std::uint64_t bytes) const {
  if (const auto allocation = find(address))
    return bytes <= allocation->bytes && address - allocation->address <= allocation->bytes - bytes;
  const std::lock_guard lock(mutex_);
  auto after = registered_.upper_bound(address);
  if (after == registered_.begin()) return false;
  const auto& [start, size] = *std::prev(after);
  return address - start <= size && bytes <= size - (address - start);
}

std::string Memory::describe(std::uint64_t address) const {
  const std::lock_guard lock(mutex_);
  const auto about = [](const Allocation& a) {
    return fmt::format("the {} bytes{}{} at {:#x}{}", a.bytes, a.label.empty() ? "" : " of ", a.label,
                       a.address, a.live ? "" : ", freed");
  };
  const auto after = allocations_.upper_bound(address);
  const Allocation* below = after == allocations_.begin() ? nullptr : &std::prev(after)->second;
  const Allocation* above = after == allocations_.end() ? nullptr : &after->second;
  if (below && address - below->address < below->bytes)
    return fmt::format("byte {} of {}", address - below->address, about(*below));
  constexpr std::uint64_t near = 1 << 20;
  const std::uint64_t behind = below ? address - below->address - below->bytes : UINT64_MAX;
  const std::uint64_t ahead = above ? above->address - address : UINT64_MAX;
  if (std::min(behind, ahead) > near) return {};
  if (behind <= ahead) return fmt::format("{} bytes behind {}", behind, about(*below));
  return fmt::format("{} bytes before {}", ahead, about(*above));
}

std::vector<Report> Memory::take_host_faults() {
  std::vector<Report> reports;
  for (const HostAccess& access : agon::simt::take_host_accesses(base_)) {
    Report report;
    report.kind = FaultKind::host_access;
    report.address = access.address;
    report.allocation = describe(access.address);
    report.file = describe_code(access.code);
    report.message = fmt::format("host code {}touches device memory at {:#x}{}{}",
                                 report.file.empty() ? "" : fmt::format("({}) ", report.file), access.address,
                                 report.allocation.empty() ? "" : ", ", report.allocation);
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace agon::simt
