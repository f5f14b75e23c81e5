#include "cuda/simt/check/block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <vector>

#include "agon/error.h"

#include "cuda/simt/check/words.h"

namespace agon::simt {

using namespace cells;

struct BlockChecker::State {
  LaunchChecker& launch;
  LaunchChecker::State& shared_state;
  BlockOrder order;
  std::uint64_t block = 0;
  Serial serial = 0;
  // The shadow of the block's shared memory; a row of slack behind for vector loads.
  std::uint64_t words;
  std::vector<std::uint8_t> state;
  std::vector<std::uint32_t> write, read, write_pc;
  // Of local memory only what is written, by thread and word.
  std::uint64_t local_words;
  std::vector<std::uint8_t> local;
  fast::View shared_view, global_view;
  const fast::Functions& vectors = fast::functions();

  explicit State(LaunchChecker& checker, LaunchChecker::State& of)
      : launch(checker),
        shared_state(of),
        order(of.points, of.threads),
        words((of.shape.shared_bytes + 3) / 4),
        state(words + 64),
        write(words + 64),
        read(words + 64),
        write_pc(words + 64),
        local_words((of.shape.local_bytes + 3) / 4),
        local(local_words * of.threads) {
    shared_view.state = state.data();
    shared_view.write = write.data();
    shared_view.read = read.data();
    shared_view.write_pc = write_pc.data();
    shared_view.bytes = of.shape.shared_bytes;
    check(of.shadow != nullptr, ErrorKind::internal, "simt: checks asked of a memory without a shadow");
    const GlobalShadow& shadow = *of.shadow;
    global_view.state = shadow.state;
    global_view.write = shadow.write;
    global_view.read = shadow.read;
    global_view.write_pc = shadow.write_pc;
    global_view.write_serial = shadow.write_serial;
    global_view.read_serial = shadow.read_serial;
    global_view.base = of.memory.base();
    global_view.bytes = Memory::range_bytes;
    global_view.first = of.serials.first;
    global_view.many = of.serials.many;
    global_view.floor = of.serials.floor;
    global_view.unordered = of.serials.unordered;
  }

  void place(fast::View& view, const Site& site) const {
    view.serial = serial;
    view.barrier_floor = order.barrier_tick() << tick_shift;
    view.warp_floor = order.warp_tick(site.warp) << tick_shift;
    view.now = order.tick() << tick_shift | all_bytes;
    view.thread0 = site.warp * 32;
    view.pc = site.pc;
  }

  Actor actor(const Site& site, std::uint32_t lane) const {
    return {launch, shared_state, order, block, site.warp * 32 + lane, site.pc};
  }

  void report(FaultKind kind, const Site& site, std::uint32_t lane, std::string what, std::uint64_t address,
              bool global) const {
    Fault fault;
    fault.kind = kind;
    fault.block = block;
    fault.thread = site.warp * 32 + lane;
    fault.pc = site.pc;
    fault.what = std::move(what);
    fault.address = address;
    fault.global = global;
    add_report(launch, shared_state, std::move(fault));
  }

  // Lanes whose address is a multiple of the width; the others are reported.
  template <class Address>
  LaneMask aligned(const Site& site, const Address* addresses, std::uint32_t bytes, const char* space,
                   bool global) const {
    LaneMask good = site.lanes;
    for (LaneMask rest = site.lanes; rest; rest &= rest - 1) {
      const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
      if (addresses[lane] % bytes == 0) continue;
      good &= ~(1u << lane);
      report(FaultKind::misaligned, site, lane,
             fmt::format("{} bytes of {} memory at {:#x}, which is no multiple of {}", bytes, space,
                         static_cast<std::uint64_t>(addresses[lane]), bytes),
             addresses[lane], global);
    }
    return good;
  }

  // The words that a cp.async fills are in flight, or have landed.
  void note_async(const Site& site, LaneMask lanes, const std::uint32_t* offsets, std::uint32_t bytes,
                  std::uint32_t at, Kind kind) {
    for (LaneMask rest = lanes; rest; rest &= rest - 1) {
      const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
      std::fill_n(write.begin() + offsets[lane] / 4, bytes / 4, pack(at, 15, kind, site.warp * 32 + lane));
    }
  }

  // Whenever the clock has ticked: starts it anew before it runs out.
  void after_tick() {
    if (order.tick() < max_tick - 1) return;
    serial = shared_state.shadow->renew(block);
    // Reads by the block's older serials are its own, not those of several blocks: word by word they are
    // told.
    global_view.first = UINT32_MAX;
    order.restart(serial);
    for (std::uint64_t word = 0; word < words; ++word) {
      if (tick(write[word]) != pending_tick) write[word] = 0;
      read[word] = 0;
    }
  }
};

BlockChecker::BlockChecker(LaunchChecker& launch) : state_(std::make_unique<State>(launch, *launch.state_)) {}
BlockChecker::~BlockChecker() = default;

void BlockChecker::begin_block(std::uint64_t linear_block) {
  State& s = *state_;
  s.block = linear_block;
  s.serial = s.shared_state.serials.first + static_cast<Serial>(linear_block);
  s.global_view.first = s.shared_state.serials.first;
  s.order.begin(linear_block, s.serial);
  const std::uint32_t bytes = s.shared_state.shape.shared_bytes;
  std::memset(s.state.data(), state_exists, bytes / 4);
  if (bytes % 4) s.state[bytes / 4] = static_cast<std::uint8_t>(((1u << bytes % 4) - 1) << 4);
  std::memset(s.write.data(), 0, s.words * 4);
  std::memset(s.read.data(), 0, s.words * 4);
  if (!s.local.empty()) std::memset(s.local.data(), 0, s.local.size());
}

void BlockChecker::end_block() {
  state_->order.settle();
}

LaneMask BlockChecker::global(const Site& site, Access access, const std::uint64_t* addresses,
                              std::uint32_t bytes) {
  State& s = *state_;
  s.order.settle();
  s.place(s.global_view, site);
  if (!site.lanes) return 0;
  const bool writes = access == Access::write;
  if (bytes >= 4 && !s.order.has_partial_meetings() &&
      (access == Access::read || (writes && !s.shared_state.shadow->has_extra_readers())) &&
      s.vectors.global(s.global_view, writes ? fast::Mode::write : fast::Mode::read, site.lanes, addresses,
                       bytes))
    return site.lanes;

  static constexpr Deed deeds[] = {Deed::read,        Deed::write,        Deed::atomic,
                                   Deed::strong_read, Deed::strong_write, Deed::matrix_read};
  LaneMask good = s.aligned(site, addresses, bytes, "global", true);
  for (LaneMask rest = good; rest; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    const Actor actor = s.actor(site, lane);
    if (access == Access::atomic || access == Access::strong_write)
      s.order.release(actor.thread, addresses[lane]);
    if (!check_words(actor, s.global_view, WordSpace::global, deeds[static_cast<int>(access)],
                     addresses[lane], bytes))
      good &= ~(1u << lane);
    if (access == Access::atomic || access == Access::strong_read)
      s.order.acquire(actor.thread, addresses[lane]);
  }
  return good;
}

LaneMask BlockChecker::shared(const Site& site, Access access, const std::uint32_t* offsets,
                              std::uint32_t bytes) {
  State& s = *state_;
  s.order.settle();
  s.place(s.shared_view, site);
  if (!site.lanes) return 0;
  // Volatile orders nothing between threads of a block.
  if (access == Access::strong_read) access = Access::read;
  if (access == Access::strong_write) access = Access::write;
  if (bytes >= 4 && access != Access::atomic && !s.order.has_partial_meetings()) {
    const fast::Mode mode = access == Access::write         ? fast::Mode::write
                            : access == Access::matrix_read ? fast::Mode::matrix_read
                                                            : fast::Mode::read;
    if (s.vectors.shared(s.shared_view, mode, site.lanes, offsets, bytes)) return site.lanes;
  }
  const Deed deed = access == Access::write         ? Deed::write
                    : access == Access::atomic      ? Deed::atomic
                    : access == Access::matrix_read ? Deed::matrix_read
                                                    : Deed::read;
  LaneMask good = s.aligned(site, offsets, bytes, "shared", false);
  for (LaneMask rest = good; rest; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    if (!check_words(s.actor(site, lane), s.shared_view, WordSpace::shared, deed, offsets[lane], bytes))
      good &= ~(1u << lane);
  }
  return good;
}

LaneMask BlockChecker::local(const Site& site, Access access, const std::uint32_t* offsets,
                             std::uint32_t bytes) {
  State& s = *state_;
  const std::uint64_t size = s.shared_state.shape.local_bytes;
  const bool reads = access != Access::write && access != Access::strong_write;
  LaneMask good = s.aligned(site, offsets, bytes, "local", false);
  for (LaneMask rest = good; rest; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    const std::uint64_t begin = offsets[lane], end = begin + bytes;
    if (end > size) {
      s.report(FaultKind::out_of_bounds, site, lane,
               fmt::format("{} bytes at offset {} of {} bytes of local memory", bytes, begin, size), begin,
               false);
      good &= ~(1u << lane);
      continue;
    }
    std::uint8_t* const row = s.local.data() + (site.warp * 32 + lane) * s.local_words;
    bool written = true;
    for (std::uint64_t word = begin / 4; word * 4 < end; ++word) {
      const std::uint64_t from = std::max(begin, word * 4) - word * 4,
                          to = std::min(end, word * 4 + 4) - word * 4;
      const auto bits = static_cast<std::uint8_t>((1u << to) - (1u << from));
      if (reads)
        written = written && (row[word] & bits) == bits;
      else
        row[word] = static_cast<std::uint8_t>(row[word] | bits);
    }
    if (!written)
      s.report(FaultKind::unwritten_read, site, lane,
               fmt::format("reads local memory at offset {} that the thread has not written", begin), begin,
               false);
  }
  return good;
}

LaneMask BlockChecker::async_issue(const Site& site, const std::uint32_t* shared_offsets,
                                   const std::uint64_t* addresses, std::uint32_t bytes,
                                   const std::uint32_t* sources) {
  State& s = *state_;
  s.order.settle();
  s.place(s.shared_view, site);
  s.place(s.global_view, site);
  if (!site.lanes) return 0;
  LaneMask whole = site.lanes, none = 0;
  if (sources) {
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
      whole &= ~(LaneMask{sources[lane] < bytes} << lane);
      none |= LaneMask{sources[lane] == 0} << lane;
    }
    none &= site.lanes;
  }
  const bool read = whole && !s.order.has_partial_meetings() &&
                    s.vectors.global(s.global_view, fast::Mode::read, whole, addresses, bytes);
  LaneMask good = site.lanes;
  if (!read || whole != site.lanes) {
    // A lane that reads nothing may name any address.
    Site readers = site;
    readers.lanes = site.lanes & ~none;
    good = s.aligned(readers, addresses, bytes, "global", true) | none;
    for (LaneMask rest = good & ~none & (read ? ~whole : ~0u); rest; rest &= rest - 1) {
      const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
      const std::uint32_t source = sources ? std::min(sources[lane], bytes) : bytes;
      if (!check_words(s.actor(site, lane), s.global_view, WordSpace::global, Deed::read, addresses[lane],
                       source))
        good &= ~(1u << lane);
    }
  }
  if (!good) return 0;
  if (s.vectors.shared(s.shared_view, fast::Mode::write, good, shared_offsets, bytes)) {
    s.note_async(site, good, shared_offsets, bytes, pending_tick, pending);
    return good;
  }
  Site writers = site;
  writers.lanes = good;
  good = s.aligned(writers, shared_offsets, bytes, "shared", false);
  for (LaneMask rest = good; rest; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    if (!check_words(s.actor(site, lane), s.shared_view, WordSpace::shared, Deed::async_issue,
                     shared_offsets[lane], bytes))
      good &= ~(1u << lane);
  }
  return good;
}

void BlockChecker::async_land(const Site& site, const std::uint32_t* shared_offsets, std::uint32_t bytes) {
  state_->note_async(site, site.lanes, shared_offsets, bytes, state_->order.tick(), plain);
}

void BlockChecker::barrier(std::uint64_t warps) {
  state_->order.settle();
  state_->order.barrier(warps);
  state_->after_tick();
}

void BlockChecker::warp_sync(const Site& site) {
  state_->order.settle();
  state_->order.warp_sync(site.warp, site.lanes);
  state_->after_tick();
}

void BlockChecker::fence(const Site& site) {
  state_->order.settle();
  state_->order.fence(site.warp, site.lanes);
  state_->after_tick();
}

}  // namespace agon::simt
