#include "cuda/simt/check/order.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace agon::simt {

using cells::Cell;

bool Release::covers(Serial of, Cell access) const {
  // An older serial of the same block: its clock was started anew at a barrier since.
  if (of != serial) return everybody > 0;
  const std::uint32_t tick = cells::tick(access), by = cells::thread(access);
  if (tick < everybody) return true;
  const bool many_lanes = access & cells::many_lanes, many_warps = access & cells::many_warps;
  if (many_warps) return false;
  const bool same_warp = by / 32 == thread / 32;
  if (same_warp && tick < warp) return true;
  if (many_lanes) return false;
  if (by == thread && tick < own) return true;
  if (same_warp && tick < lanes[by % 32]) return true;
  return threads && tick < (*threads)[by];
}

void SyncPoint::add(Release release) {
  const std::lock_guard lock(mutex_);
  of_block_[release.block].push_back(releases_.size());
  releases_.push_back(std::move(release));
}

std::size_t SyncPoint::count() const {
  const std::lock_guard lock(mutex_);
  return releases_.size();
}

bool SyncPoint::covers(std::size_t count, std::uint64_t block, Serial serial, Cell access, int depth) const {
  std::vector<std::shared_ptr<const std::vector<Acquired>>> further;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = of_block_.find(block); found != of_block_.end()) {
      for (const std::size_t i : found->second) {
        if (i < count && releases_[i].covers(serial, access)) return true;
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (releases_[i].acquired && (further.empty() || further.back() != releases_[i].acquired))
        further.push_back(releases_[i].acquired);
    }
  }
  if (depth == 0) return false;
  for (const auto& list : further) {
    for (const Acquired& acquired : *list) {
      if (acquired.point != this && acquired.point->covers(acquired.count, block, serial, access, depth - 1))
        return true;
    }
  }
  return false;
}

bool SyncPoint::has(std::size_t count, std::uint64_t block) const {
  const std::lock_guard lock(mutex_);
  const auto found = of_block_.find(block);
  return found != of_block_.end() && found->second.front() < count;
}

void SyncPoint::blocks(std::size_t count, std::unordered_map<std::uint64_t, bool>& seen) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) seen[releases_[i].block] = true;
}

SyncPoint* SyncPoints::find(std::uint64_t address) {
  const std::lock_guard lock(mutex_);
  const auto found = points_.find(address);
  return found == points_.end() ? nullptr : found->second.get();
}

SyncPoint& SyncPoints::at(std::uint64_t address) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<SyncPoint>& point = points_[address];
  if (!point) point = std::make_unique<SyncPoint>();
  return *point;
}

BlockOrder::BlockOrder(SyncPoints& points, std::uint32_t threads) : points_(&points), threads_(threads) {
  const std::uint32_t warps = (threads + 31) / 32;
  all_warps_ = warps >= 64 ? ~0ull : (1ull << warps) - 1;
}

void BlockOrder::begin(std::uint64_t block, Serial serial) {
  block_ = block;
  restart(serial);
  fences_.clear();
  fenced_since_barrier_ = false;
  met_lanes_.clear();
  met_everybody_ = 0;
  met_threads_.reset();
  acquired_.clear();
  pending_.clear();
}

void BlockOrder::restart(Serial serial) {
  serial_ = serial;
  tick_ = barrier_tick_ = 1;
  warp_tick_.fill(1);
  warp_meetings_.clear();
  warps_meetings_.clear();
  // What fences covered is all before tick 1 of the new serial.
  if (!fences_.empty()) {
    std::fill(fences_.begin(), fences_.end(), Fence{1, 1, 1});
    met_everybody_ = 1;
    met_threads_.reset();
    for (auto& lanes : met_lanes_) lanes.fill(1);
  }
  for (Acquired& acquired : acquired_) acquired.tick = 0;
}

std::uint32_t BlockOrder::lanes_of(std::uint32_t warp) const {
  const std::uint32_t lanes = std::min(threads_ - std::min(threads_, warp * 32), 32u);
  return lanes == 32 ? ~0u : (1u << lanes) - 1;
}

void BlockOrder::barrier(std::uint64_t warps) {
  ++tick_;
  if ((warps & all_warps_) == all_warps_) {
    barrier_tick_ = tick_;
    warp_meetings_.clear();
    warps_meetings_.clear();
  } else {
    warps_meetings_.push_back({tick_, warps});
  }
  for (std::uint32_t warp = 0; warp < 32; ++warp) {
    if (warps >> warp & 1) warp_tick_[warp] = tick_;
  }
  if (fenced_since_barrier_) {
    fenced_since_barrier_ = false;
    auto threads = std::make_shared<std::vector<std::uint32_t>>(fences_.size());
    for (std::size_t i = 0; i < fences_.size(); ++i) {
      (*threads)[i] = fences_[i].own;
      met_everybody_ = std::max(met_everybody_, fences_[i].everybody);
    }
    met_threads_ = std::move(threads);
  }
}

void BlockOrder::warp_sync(std::uint32_t warp, std::uint32_t lanes) {
  ++tick_;
  if ((lanes & lanes_of(warp)) == lanes_of(warp))
    warp_tick_[warp] = tick_;
  else
    warp_meetings_.push_back({tick_, warp, lanes});
  if (fences_.empty()) return;
  if (met_lanes_.empty()) met_lanes_.resize((threads_ + 31) / 32);
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if (lanes >> lane & 1 && warp * 32 + lane < threads_)
      met_lanes_[warp][lane] = fences_[warp * 32 + lane].own;
  }
}

void BlockOrder::fence(std::uint32_t warp, std::uint32_t lanes) {
  ++tick_;
  if (fences_.empty()) fences_.resize(threads_);
  fenced_since_barrier_ = true;
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if (lanes >> lane & 1 && warp * 32 + lane < threads_)
      fences_[warp * 32 + lane] = {tick_, warp_tick_[warp], barrier_tick_};
  }
}

void BlockOrder::release(std::uint32_t thread, std::uint64_t address) {
  if (fences_.empty()) return;
  Release release;
  release.block = block_;
  release.serial = serial_;
  release.thread = thread;
  release.own = fences_[thread].own;
  release.warp = fences_[thread].warp;
  release.everybody = std::max(fences_[thread].everybody, met_everybody_);
  if (!met_lanes_.empty()) release.lanes = met_lanes_[thread / 32];
  release.threads = met_threads_;
  if (!acquired_.empty()) release.acquired = std::make_shared<std::vector<Acquired>>(acquired_);
  points_->at(address).add(std::move(release));
}

void BlockOrder::acquire(std::uint32_t thread, std::uint64_t address) {
  pending_.push_back({thread, address});
}

void BlockOrder::settle_pending() {
  for (const Pending& pending : pending_) {
    const SyncPoint* point = points_->find(pending.address);
    if (!point) continue;
    const std::size_t count = point->count();
    // A newer look replaces an older one that nobody can have relied on: no meeting came between.
    const auto same = std::find_if(acquired_.rbegin(), acquired_.rend(), [&](const Acquired& a) {
      return a.point == point && a.thread == pending.thread;
    });
    const std::uint32_t met = std::max(barrier_tick_, warp_tick_[pending.thread / 32]);
    if (same == acquired_.rend() || (same->count < count && same->tick < met))
      acquired_.push_back({point, count, pending.thread, tick_});
    else if (same->count < count)
      *same = {point, count, pending.thread, tick_};
  }
  pending_.clear();
}

// Whether what thread `from` did at `tick` is before what thread `to` does now.
bool BlockOrder::reaches(std::uint32_t tick, std::uint32_t from, std::uint32_t to) const {
  if (from == to || tick < barrier_tick_) return true;
  if (from / 32 == to / 32) {
    if (tick < warp_tick_[to / 32]) return true;
    for (const WarpMeeting& meeting : warp_meetings_) {
      if (tick < meeting.tick && meeting.warp == to / 32 && meeting.lanes >> from % 32 & 1 &&
          meeting.lanes >> to % 32 & 1)
        return true;
    }
  }
  for (const WarpsMeeting& meeting : warps_meetings_) {
    if (tick < meeting.tick && meeting.warps >> from / 32 & 1 && meeting.warps >> to / 32 & 1) return true;
  }
  return false;
}

bool BlockOrder::before(Cell earlier, bool is_read, std::uint32_t thread) const {
  const std::uint32_t tick = cells::tick(earlier), by = cells::thread(earlier);
  if (tick < barrier_tick_) return true;
  const bool many_lanes = is_read && earlier & cells::many_lanes;
  const bool many_warps = is_read && earlier & cells::many_warps;
  if (!many_lanes && !many_warps) return reaches(tick, by, thread);
  // Which threads else have read is not known: a meeting of some counts if this thread was there.
  for (const WarpsMeeting& meeting : warps_meetings_) {
    if (tick < meeting.tick && meeting.warps >> thread / 32 & 1) return true;
  }
  if (many_warps || by / 32 != thread / 32) return false;
  if (tick < warp_tick_[thread / 32]) return true;
  for (const WarpMeeting& meeting : warp_meetings_) {
    if (tick < meeting.tick && meeting.warp == thread / 32 && meeting.lanes >> thread % 32 & 1) return true;
  }
  return false;
}

bool BlockOrder::before(std::uint64_t block, Serial serial, Cell earlier, std::uint32_t thread) const {
  for (const Acquired& acquired : acquired_) {
    if (reaches(acquired.tick, acquired.thread, thread) &&
        acquired.point->covers(acquired.count, block, serial, earlier))
      return true;
  }
  return false;
}

bool BlockOrder::saw_atomic_of(std::uint64_t block, std::uint64_t address, std::uint32_t thread) const {
  const SyncPoint* const point = points_->find(address);
  return point != nullptr && std::any_of(acquired_.begin(), acquired_.end(), [&](const Acquired& acquired) {
           return acquired.point == point && reaches(acquired.tick, acquired.thread, thread) &&
                  point->has(acquired.count, block);
         });
}

bool BlockOrder::follows_all(std::uint64_t blocks, std::uint32_t thread) const {
  std::unordered_map<std::uint64_t, bool> seen;
  seen[block_] = true;
  for (const Acquired& acquired : acquired_) {
    if (reaches(acquired.tick, acquired.thread, thread)) acquired.point->blocks(acquired.count, seen);
  }
  return seen.size() >= blocks;
}

}  // namespace agon::simt
