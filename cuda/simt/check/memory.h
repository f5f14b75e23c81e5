// The device's memory: one reserved range of addresses, mapped twice. A device address is what the host gets
// from cudaMalloc: it has no access there. The simulator reads and writes through the alias. Pinned host
// memory is a part of the same range to which the host has access. Pages cost nothing until touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/simt/check/history.h"
#include "cuda/simt/check/report.h"

namespace agon::simt {

class GlobalShadow;

enum class AllocationKind : std::uint8_t {
  device,  // cudaMalloc: the host has no access
  pinned,  // cudaMallocHost, managed memory: host and device have
};

struct Allocation {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  AllocationKind kind = AllocationKind::device;
  bool live = true;
  std::string label;  // a variable's name; empty for what cudaMalloc gave
};

class Memory {
 public:
  // `capacity`: device bytes that may be allocated at once. With `checks` a shadow is kept.
  explicit Memory(std::uint64_t capacity = 80ull << 30, bool checks = true);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // `bytes` at a multiple of `align` (a power of two, at least 256), with a red zone behind. 0: more than the
  // capacity left. Freed addresses are handed out again as late as possible. Contents are unwritten memory.
  std::uint64_t allocate(std::uint64_t bytes, AllocationKind kind = AllocationKind::device,
                         std::string_view label = {}, std::uint64_t align = 256);
  // False where no live allocation of this kind starts at `address`.
  bool release(std::uint64_t address, AllocationKind kind);

  // Pinned memory that the host owns (cudaHostRegister): the device may use it, no shadow is kept of it.
  void register_host(const void* data, std::uint64_t bytes);
  bool unregister_host(const void* data);

  // The live allocation that holds this address, if any.
  std::optional<Allocation> find(std::uint64_t address) const;
  // Whether the address lies in memory that has been freed.
  bool freed(std::uint64_t address) const;
  // Says where the address lies: "8 bytes behind the 400 bytes at 0x..., freed".
  std::string describe(std::uint64_t address) const;

  std::uint64_t capacity() const { return capacity_; }
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  std::uint64_t allocated() const { return allocated_; }

  // Where the simulator finds the byte of a device address that `in_range` or a registered host address.
  std::byte* alias(std::uint64_t address) const {
    return reinterpret_cast<std::byte*>(in_range(address) ? address + delta_ : address);
  }
  // For addresses known to be in range.
  std::uint64_t alias_delta() const { return delta_; }
  // Whether the address belongs to the reserved range: reading and writing through the alias cannot crash.
  bool in_range(std::uint64_t address) const { return address - base_ < range_bytes; }
  // Whether all bytes lie in one live allocation or in registered host memory.
  bool valid(std::uint64_t address, std::uint64_t bytes) const;
  std::uint64_t base() const { return base_; }

  // Host code between calls of the runtime: after a fault there the touched page stays open until this is
  // called. Returns the faults since the last call.
  std::vector<Report> take_host_faults();

  // Whether a shadow is kept (null: no checks).
  GlobalShadow* shadow() const { return shadow_.get(); }
  History& history() { return history_; }
  const History& history() const { return history_; }

  // Copies and fills by the current operation of `history()`. They do the work, and the checks with it: the
  // ranges must be live, and no unordered operation may have touched them. A copy between device ranges
  // hands on what is unwritten. Host addresses are plain pointers.
  void write_from_host(std::uint64_t to, const void* from, std::uint64_t bytes, ReportLog& log);
  void read_to_host(void* to, std::uint64_t from, std::uint64_t bytes, ReportLog& log);
  void copy(std::uint64_t to, std::uint64_t from, std::uint64_t bytes, ReportLog& log);
  // `width` 1, 2 or 4 bytes of `value`, `count` times.
  void fill(std::uint64_t to, std::uint32_t value, int width, std::uint64_t count, ReportLog& log);

  static constexpr std::uint64_t range_bytes = 1ull << 40;  // device addresses, then pinned ones
  static constexpr std::uint64_t pinned_offset = range_bytes / 4 * 3;

 private:
  std::uint64_t place(std::uint64_t bytes, AllocationKind kind, std::uint64_t align);
  bool check_range(std::uint64_t address, std::uint64_t bytes, const char* what, ReportLog& log) const;

  std::uint64_t capacity_;
  std::uint64_t allocated_ = 0;
  int file_ = -1;
  std::uint64_t base_ = 0;   // of the addresses handed out
  std::uint64_t delta_ = 0;  // alias - device address, modulo 2^64
  std::uint64_t next_[2] = {};
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Allocation> allocations_;    // by address; freed ones until their place is taken
  std::map<std::uint64_t, std::uint64_t> registered_;  // host address -> bytes
  std::unique_ptr<GlobalShadow> shadow_;
  History history_;
};

}  // namespace agon::simt
