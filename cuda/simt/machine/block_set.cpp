#include "cuda/simt/machine/block_set.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

#include "cuda/simt/exec/barrier.h"
#include "cuda/simt/machine/diverge.h"

namespace agon::simt {

namespace {

// Mixes a seed with a number into another seed (SplitMix64).
std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t z = seed + 0x9e3779b97f4a7c15ull * (number + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

Dim3 block_index(const Dim3& grid, std::uint64_t linear) {
  Dim3 index;
  index.x = static_cast<std::uint32_t>(linear % grid.x);
  index.y = static_cast<std::uint32_t>(linear / grid.x % grid.y);
  index.z = static_cast<std::uint32_t>(linear / grid.x / grid.y);
  return index;
}

bool has_ready(const Warp& w) {
  return std::any_of(w.splits.begin(), w.splits.end(),
                     [](const Split& split) { return split.state == Split::State::ready; });
}

// 64-byte aligned memory.
struct Aligned {
  explicit Aligned(std::size_t bytes)
      : data(static_cast<std::byte*>(
            ::operator new (std::max<std::size_t>(bytes, 64), std::align_val_t{64}))) {}
  ~Aligned() { ::operator delete (data, std::align_val_t{64}); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  std::byte* data;
};

}  // namespace

Groups::Groups(const Launch& launch, int threads) : total_(launch.grid.count()) {
  const std::uint64_t random = mixed(launch.seed, 0x6272);
  const auto wanted = static_cast<std::uint64_t>(threads);
  size_ =
      launch.cooperative ? (total_ + wanted - 1) / wanted : std::min<std::uint64_t>(1 + random % 2, total_);
  size_ = std::max<std::uint64_t>(size_, 1);
  // A stride without a common factor with the number of blocks visits each of them once.
  offset_ = total_ ? (random >> 8) % total_ : 0;
  stride_ = total_ > 2 ? (random >> 32) % total_ : 1;
  while (total_ > 1 && std::gcd(stride_, total_) != 1) ++stride_;
  if (total_ <= 1) stride_ = 1;
}

std::vector<std::uint64_t> Groups::blocks(std::uint64_t group) const {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = group * size_; i < std::min(total_, (group + 1) * size_); ++i)
    all.push_back(static_cast<std::uint64_t>((static_cast<__uint128_t>(i) * stride_ + offset_) % total_));
  return all;
}

struct BlockSet::Storage {
  Storage(Worker& worker, std::uint32_t warps)
      : registers(std::size_t{worker.run.code.register_bytes} * warps),
        predicates(std::size_t{worker.run.code.kernel.predicates} * warps),
        shared(worker.run.code.kernel.shared_bytes + worker.run.launch.dynamic_shared + 16),
        local(std::size_t{worker.run.code.kernel.local_bytes} * warps * warp_lanes) {
    const Code& code = worker.run.code;
    block.warps.resize(warps);
    for (std::uint32_t i = 0; i < warps; ++i) {
      Warp& w = block.warps[i];
      w.index = i;
      w.block = &block;
      w.worker = &worker;
      w.registers = registers.data + std::size_t{code.register_bytes} * i;
      w.predicates = predicates.data() + std::size_t{code.kernel.predicates} * i;
      w.local = local.data + std::size_t{code.kernel.local_bytes} * i * warp_lanes;
      std::memset(w.registers, 0xcd, code.constants_at);
      std::memcpy(w.registers + code.constants_at, code.kernel.constants.data(),
                  code.register_bytes - code.constants_at);
    }
    if (worker.run.options.checks && worker.memory.shadow()) {
      checker = std::make_unique<BlockChecker>(worker.run.checker);
      block.checker = checker.get();
    }
  }
  Aligned registers;
  std::vector<std::uint32_t> predicates;
  Aligned shared, local;
  Block block;
  std::unique_ptr<BlockChecker> checker;
};

BlockSet::BlockSet(Worker& worker, std::uint64_t blocks) : worker_(worker) {
  const auto warps =
      static_cast<std::uint32_t>((worker.run.launch.block.count() + warp_lanes - 1) / warp_lanes);
  for (std::uint64_t i = 0; i < blocks; ++i) storage_.push_back(std::make_unique<Storage>(worker, warps));
}
BlockSet::~BlockSet() = default;

void BlockSet::begin(Storage& storage, std::uint64_t linear) {
  const Run& run = worker_.run;
  Block& block = storage.block;
  block.index = block_index(run.launch.grid, linear);
  block.linear = linear;
  block.shared = storage.shared.data;
  block.shared_bytes = run.code.kernel.shared_bytes + run.launch.dynamic_shared;
  block.released = false;
  block.live_warps = static_cast<std::uint32_t>(block.warps.size());
  std::fill(std::begin(block.barriers), std::end(block.barriers), Barrier{});
  std::memset(block.shared, 0xcd, block.shared_bytes);
  if (block.checker) block.checker->begin_block(linear);
  auto threads = static_cast<std::uint32_t>(run.launch.block.count());
  for (Warp& w : block.warps) {
    const std::uint32_t here = std::min<std::uint32_t>(threads, warp_lanes);
    threads -= here;
    w.live = here == warp_lanes ? all_lanes : (1u << here) - 1;
    w.frame = -1;
    w.frames.clear();
    w.free_frames.clear();
    w.copies.clear();
    std::fill(std::begin(w.committed), std::end(w.committed), 0);
    std::fill_n(w.predicates, run.code.kernel.predicates, 0);
    w.predicates[true_predicate] = all_lanes;
    Split all;
    all.lanes = w.live;
    all.at = run.code.steps.data();
    w.splits.assign(1, all);
    w.queued = true;
    runnable_.push_back(&w);
  }
}

// Runs one warp until it has to wait or its turn, of a length by chance, is over.
void BlockSet::run_warp(Warp& w) {
  const Step* s = resume(w);
  w.budget = 1 << worker_.random() % 9;
  while (s) s = s->run(w, s);
}

// Warps that a barrier has let go on take part again.
void BlockSet::wake(Block& block) {
  block.released = false;
  for (Warp& w : block.warps) {
    if (w.queued || !has_ready(w)) continue;
    w.queued = true;
    runnable_.push_back(&w);
  }
}

void BlockSet::interleave() {
  const std::uint64_t limit = worker_.run.options.instruction_limit;
  while (!runnable_.empty()) {
    if (worker_.run.stopped.load(std::memory_order_relaxed)) throw Stopped{};
    const std::size_t pick = worker_.random() % runnable_.size();
    Warp& w = *runnable_[pick];
    run_warp(w);
    if (has_ready(w)) {
      if (limit && worker_.executed > limit)
        stop(w, w.splits.front().at, FaultKind::hang, w.live,
             fmt::format("{} instructions have run and the block does not end", worker_.executed));
    } else {
      runnable_[pick] = runnable_.back();
      runnable_.pop_back();
      w.queued = false;
      if (w.live)
        settle(w);
      else
        warp_left(*w.block);
    }
    if (w.block->released) wake(*w.block);
  }
}

// Nobody can run: warps that are alive wait at barriers that others never reach.
void BlockSet::check_finished(Block& block) {
  if (!block.live_warps) return;
  for (Warp& w : block.warps) {
    if (!w.live || w.splits.empty()) continue;
    const Split& split = w.splits.front();
    std::uint32_t waiting = 0;
    for (const Warp& other : block.warps) waiting += other.live != 0;
    w.exec = split.exec;
    stop(w, split.at, FaultKind::divergent_barrier, split.exec,
         fmt::format("a barrier that is never full: {} warps of the block wait for others that have left or "
                     "wait elsewhere",
                     waiting));
  }
}

void BlockSet::run(std::uint64_t group, const std::vector<std::uint64_t>& blocks) {
  worker_.random.seed(mixed(worker_.run.launch.seed, group));
  worker_.executed = 0;
  runnable_.clear();
  for (std::size_t i = 0; i < blocks.size(); ++i) begin(*storage_[i], blocks[i]);
  interleave();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    Block& block = storage_[i]->block;
    check_finished(block);
    if (block.checker) block.checker->end_block();
  }
}

}  // namespace agon::simt
