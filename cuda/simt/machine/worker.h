// A launch as the host threads see it that run its blocks, and one such thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "cuda/simt/check/block.h"
#include "cuda/simt/count/access_pattern.h"
#include "cuda/simt/count/touch.h"
#include "cuda/simt/machine/code.h"

namespace agon::simt {

// What the blocks of a launch share.
struct Run {
  const Launch& launch;
  const Options& options;
  Memory& memory;
  const Code& code;
  LaunchChecker& checker;
  Touch* touch = nullptr;  // null: no counters
  std::atomic<bool> stopped{false};
  std::atomic<std::uint64_t> next_group{0};
  std::mutex print_mutex{};
};

// Thrown by a fault that the kernel cannot go on from, after it has been reported.
struct Stopped {};

struct Worker {
  explicit Worker(Run& shared_run);

  Run& run;
  Memory& memory;
  bool counting;
  bool foreign = false;                      // registered host memory has been met, which has no alias
  Counters counters;                         // of memory; the rest comes from the tallies
  std::vector<std::uint64_t> entered;        // by basic block: times a split ran it
  std::vector<std::uint64_t> entered_lanes;  // and with how many lanes in sum
  std::vector<std::uint64_t> guarded_lanes;  // by guard step
  std::vector<AccessPattern> patterns;       // by memory step: its last access
  std::uint64_t executed = 0;                // instructions of the present group of blocks
  std::mt19937_64 random;
  std::uint64_t clock = 0;  // what %clock reads: advances with each reading
};

// Reports a fault of `lanes` (the lowest is named) and stops the launch.
[[noreturn]] void stop(Warp& w, const Step* s, FaultKind kind, std::uint32_t lanes, const std::string& what,
                       std::uint64_t address = 0);

inline std::uint32_t pc_of(const Worker& worker, const Step* s) {
  return static_cast<std::uint32_t>(s->in - worker.run.code.kernel.instructions.data());
}
inline Site site_of(const Warp& w, const Step* s) {
  return {w.index, pc_of(*w.worker, s), w.exec};
}

}  // namespace agon::simt
