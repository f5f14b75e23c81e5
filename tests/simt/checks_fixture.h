// The checks of a block, driven by hand: a test plays accesses and barriers as the executor would.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <vector>

#include "catch.h"
#include "cuda/simt/check/block.h"

namespace simt_test {

using namespace agon::simt;

constexpr LaneMask full = ~0u;

struct alignas(64) Offsets {
  std::array<std::uint32_t, 32> at;
  explicit Offsets(const std::function<std::uint32_t(std::uint32_t)>& of) {
    for (std::uint32_t lane = 0; lane < 32; ++lane) at[lane] = of(lane);
  }
};
struct alignas(64) Addresses {
  std::array<std::uint64_t, 32> at;
  explicit Addresses(const std::function<std::uint64_t(std::uint32_t)>& of) {
    for (std::uint32_t lane = 0; lane < 32; ++lane) at[lane] = of(lane);
  }
};

// Words side by side from `base`.
inline std::function<std::uint32_t(std::uint32_t)> row(std::uint32_t base, std::uint32_t bytes = 4) {
  return [=](std::uint32_t lane) { return base + bytes * lane; };
}
inline std::function<std::uint32_t(std::uint32_t)> same(std::uint32_t base) {
  return [=](std::uint32_t) { return base; };
}

// One launch on the device; line n is instruction n.
struct CheckedDevice {
  Memory memory;
  Clock known;
  std::unique_ptr<LaunchChecker> launch;
  std::vector<std::unique_ptr<BlockChecker>> blocks;

  void start(std::uint32_t grid = 1, std::uint32_t threads = 128, std::size_t chain = 0,
             std::uint32_t shared = 8192, std::uint32_t local = 64) {
    blocks.clear();
    memory.history().begin(chain, known);
    if (chain == 0) known = memory.history().clock();
    launch = std::make_unique<LaunchChecker>(
        memory, "kernel", LaunchChecker::Shape{{grid, 1, 1}, {threads, 1, 1}, shared, local},
        [](std::uint32_t pc) {
          return SourcePlace{"kernel.cu", pc};
        });
    for (std::uint32_t block = 0; block < grid; ++block) {
      blocks.push_back(std::make_unique<BlockChecker>(*launch));
      blocks.back()->begin_block(block);
    }
  }
  BlockChecker& block(std::size_t i = 0) { return *blocks[i]; }

  LaneMask shared(std::uint32_t warp, std::uint32_t line, Access access,
                  const std::function<std::uint32_t(std::uint32_t)>& at, std::uint32_t bytes = 4,
                  LaneMask lanes = full) {
    const Offsets offsets(at);
    return block().shared({warp, line, lanes}, access, offsets.at.data(), bytes);
  }
  LaneMask global(std::size_t of, std::uint32_t warp, std::uint32_t line, Access access,
                  const std::function<std::uint64_t(std::uint32_t)>& at, std::uint32_t bytes = 4,
                  LaneMask lanes = full) {
    const Addresses addresses(at);
    return block(of).global({warp, line, lanes}, access, addresses.at.data(), bytes);
  }

  struct Found {
    FaultKind kind;
    std::uint32_t line;
    bool operator==(const Found& other) const { return kind == other.kind && line == other.line; }
    friend std::ostream& operator<<(std::ostream& out, const Found& found) {
      return out << name(found.kind) << " line " << found.line;
    }
  };
  std::vector<Found> found() {
    std::vector<Found> all;
    for (const Report& report : launch->log().take()) all.push_back({report.kind, report.line});
    return all;
  }
};

using Found = std::vector<CheckedDevice::Found>;

}  // namespace simt_test
