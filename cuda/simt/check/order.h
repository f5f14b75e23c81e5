// What a block's threads know happened before them. The block's clock ticks at barriers, warp barriers and
// fences; an access is remembered by its thread and tick, and asked for later: was it before what this
// thread does now?
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cuda/simt/check/cells.h"
#include "cuda/simt/check/shadow.h"

namespace agon::simt {

class SyncPoint;

// A block has seen the first `count` releases at a place, by an atomic of `thread` at `tick`.
struct Acquired {
  const SyncPoint* point = nullptr;
  std::size_t count = 0;
  std::uint32_t thread = 0;
  std::uint32_t tick = 0;
};

// What a thread hands over with an atomic: the accesses of its block that a fence has made visible.
struct Release {
  std::uint64_t block = 0;
  Serial serial = 0;
  std::uint32_t thread = 0;
  std::uint32_t own = 0;                  // its own accesses before this tick,
  std::uint32_t warp = 0;                 // its warp's before this one,
  std::uint32_t everybody = 0;            // the block's before this one,
  std::array<std::uint32_t, 32> lanes{};  // those of its warp's lanes that fenced themselves and met it,
  std::shared_ptr<const std::vector<std::uint32_t>> threads;  // those of the block's, likewise by a barrier,
  std::shared_ptr<const std::vector<Acquired>> acquired;      // and what the block had acquired before
  bool covers(Serial of, cells::Cell access) const;
};

// An address in global memory that atomics of several blocks meet at.
class SyncPoint {
 public:
  void add(Release release);
  std::size_t count() const;
  // Whether one of the first `count` releases hands over this access of that block.
  bool covers(std::size_t count, std::uint64_t block, Serial serial, cells::Cell access, int depth = 8) const;
  // Whether one of the first `count` releases is of that block.
  bool has(std::size_t count, std::uint64_t block) const;
  // Adds the blocks that released here to a set of them.
  void blocks(std::size_t count, std::unordered_map<std::uint64_t, bool>& seen) const;

 private:
  mutable std::mutex mutex_;
  std::vector<Release> releases_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> of_block_;
};

// The sync points of a launch.
class SyncPoints {
 public:
  SyncPoint* find(std::uint64_t address);
  SyncPoint& at(std::uint64_t address);

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<SyncPoint>> points_;
};

class BlockOrder {
 public:
  BlockOrder(SyncPoints& points, std::uint32_t threads);

  void begin(std::uint64_t block, Serial serial);
  // The clock starts anew: all accesses so far are before all that follow.
  void restart(Serial serial);

  void barrier(std::uint64_t warps);
  void warp_sync(std::uint32_t warp, std::uint32_t lanes);
  void fence(std::uint32_t warp, std::uint32_t lanes);
  void release(std::uint32_t thread, std::uint64_t address);
  // Takes effect with the next `settle`: the atomic itself comes between.
  void acquire(std::uint32_t thread, std::uint64_t address);
  void settle() {
    if (!pending_.empty()) settle_pending();
  }

  std::uint32_t tick() const { return tick_; }
  // Accesses of the block before this tick are before everything now.
  std::uint32_t barrier_tick() const { return barrier_tick_; }
  // Accesses of this warp before this tick are before everything that the warp does now.
  std::uint32_t warp_tick(std::uint32_t warp) const { return warp_tick_[warp]; }
  // Whether since the last barrier some lanes of a warp, or some warps, have met that these ticks do not tell
  // of.
  bool has_partial_meetings() const { return !warp_meetings_.empty() || !warps_meetings_.empty(); }

  // Whether an access of this block, by a cell of its current serial, is before what `thread` does.
  bool before(cells::Cell earlier, bool is_read, std::uint32_t thread) const;
  // The same of an access of another block of the launch.
  bool before(std::uint64_t block, Serial serial, cells::Cell earlier, std::uint32_t thread) const;
  // Whether `thread` follows an atomic of its block at `address` that saw one of `block` there. Atomics are
  // noted before they are carried out, so of two at once the later need not be the one noted last.
  bool saw_atomic_of(std::uint64_t block, std::uint64_t address, std::uint32_t thread) const;
  // Whether `thread` follows something of every other of the launch's `blocks`.
  bool follows_all(std::uint64_t blocks, std::uint32_t thread) const;

 private:
  struct WarpMeeting {
    std::uint32_t tick, warp, lanes;
  };
  struct WarpsMeeting {
    std::uint32_t tick;
    std::uint64_t warps;
  };
  void settle_pending();
  std::uint32_t lanes_of(std::uint32_t warp) const;
  bool reaches(std::uint32_t tick, std::uint32_t from, std::uint32_t to) const;

  SyncPoints* points_;
  std::uint32_t threads_;
  std::uint64_t all_warps_;
  std::uint64_t block_ = 0;
  Serial serial_ = 0;
  std::uint32_t tick_ = 1;
  std::uint32_t barrier_tick_ = 1;
  std::array<std::uint32_t, 32> warp_tick_{};
  std::vector<WarpMeeting> warp_meetings_;    // of some lanes, since the last barrier
  std::vector<WarpsMeeting> warps_meetings_;  // of some warps

  // By thread, what its last fence covers; empty as long as nobody fenced.
  struct Fence {
    std::uint32_t own = 0, warp = 0, everybody = 0;
  };
  std::vector<Fence> fences_;
  bool fenced_since_barrier_ = false;
  std::vector<std::array<std::uint32_t, 32>> met_lanes_;  // by warp: the fences of lanes that met
  std::uint32_t met_everybody_ = 0;
  std::shared_ptr<const std::vector<std::uint32_t>> met_threads_;
  std::vector<Acquired> acquired_;
  struct Pending {
    std::uint32_t thread;
    std::uint64_t address;
  };
  std::vector<Pending> pending_;
};

}  // namespace agon::simt
