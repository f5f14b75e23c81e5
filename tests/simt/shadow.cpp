// The checks of a block, driven by hand: each case plays accesses and barriers as the executor would.
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "catch.h"
#include "cuda/simt/check/block.h"
#include "cuda/simt/check/cells.h"
#include "cuda/simt/check/fast.h"

using namespace agon::simt;

namespace {

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
std::function<std::uint32_t(std::uint32_t)> row(std::uint32_t base, std::uint32_t bytes = 4) {
  return [=](std::uint32_t lane) { return base + bytes * lane; };
}
std::function<std::uint32_t(std::uint32_t)> same(std::uint32_t base) {
  return [=](std::uint32_t) { return base; };
}

// One launch on the device; line n is instruction n.
struct Device {
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

using Found = std::vector<Device::Found>;

}  // namespace

// Broken: a missing barrier between warps goes unseen, or a barrier that is there is not believed.
TEST_CASE("shared memory between warps needs a barrier", "[simt]") {
  for (const std::uint32_t bytes : {1u, 2u, 4u, 8u, 16u}) {
    CAPTURE(bytes);
    Device device;
    device.start();
    for (std::uint32_t warp = 0; warp < 4; ++warp)
      device.shared(warp, 10, Access::write, row(warp * 32 * bytes, bytes), bytes);
    SECTION("without") {
      device.shared(1, 20, Access::read, row(0, bytes), bytes);
      REQUIRE(device.found() == Found{{FaultKind::race_shared, 20}});
    }
    SECTION("with") {
      device.block().barrier(0xf);
      for (std::uint32_t warp = 0; warp < 4; ++warp)
        device.shared(warp, 20, Access::read, row((3 - warp) * 32 * bytes, bytes), bytes);
      REQUIRE(device.found().empty());
      // The next round's write needs one too.
      device.shared(0, 30, Access::write, row(0, bytes), bytes);
      REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
    }
  }
}

// Broken: the earlier access of a race is not named, or the wrong thread is.
TEST_CASE("a race names both sides", "[simt]") {
  Device device;
  device.start();
  device.shared(0, 10, Access::write, row(0));
  device.shared(2, 20, Access::read, row(4), 4, 1u << 5);
  const std::vector<Report> reports = device.launch->log().take();
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].thread[0] == 69);
  REQUIRE(reports[0].address == 24);
  REQUIRE(reports[0].other_file == "kernel.cu");
  REQUIRE(reports[0].other_line == 10);
  REQUIRE_THAT(reports[0].message, Catch::Contains("thread (6,0,0) wrote"));
}

// Broken: lanes of a warp are taken to run in lockstep.
TEST_CASE("lanes of a warp need __syncwarp", "[simt]") {
  Device device;
  device.start();
  device.shared(0, 10, Access::write, row(0));
  SECTION("own words need nothing") {
    device.shared(0, 20, Access::read, row(0));
    device.shared(0, 30, Access::write, row(0));
    REQUIRE(device.found().empty());
  }
  SECTION("a neighbour's without") {
    device.shared(0, 20, Access::read, [](std::uint32_t lane) { return 4 * (lane ^ 1); });
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 20}});
  }
  SECTION("a neighbour's with") {
    device.block().warp_sync({0, 15, full});
    device.shared(0, 20, Access::read, [](std::uint32_t lane) { return 4 * (lane ^ 1); });
    REQUIRE(device.found().empty());
    device.shared(0, 30, Access::write, row(0));
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
  }
  SECTION("write after a neighbour's read, with") {
    device.block().warp_sync({0, 15, full});
    device.shared(0, 20, Access::read, [](std::uint32_t lane) { return 4 * (lane ^ 1); });
    device.block().warp_sync({0, 25, full});
    device.shared(0, 30, Access::write, row(0));
    REQUIRE(device.found().empty());
  }
  SECTION("half of the warp meets") {
    device.block().warp_sync({0, 15, 0xffff});
    device.shared(
        0, 20, Access::read, [](std::uint32_t lane) { return 4 * (lane ^ 1); }, 4, 0xffff);
    REQUIRE(device.found().empty());
    device.shared(
        0, 25, Access::read, [](std::uint32_t lane) { return 4 * (lane ^ 16); }, 4, 0xffff);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 25}});
  }
  SECTION("another warp's meeting does not help") {
    device.block().warp_sync({0, 15, full});
    device.shared(1, 20, Access::read, row(0));
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 20}});
  }
}

// Broken: neighbours that share a word are held against each other, or one that reads it whole is not.
TEST_CASE("halves of a word are apart", "[simt]") {
  Device device;
  device.start();
  const auto mine = [](std::uint32_t lane) { return 2 * lane; };
  device.shared(0, 10, Access::write, mine, 2);
  device.shared(0, 11, Access::read, mine, 2);
  device.shared(0, 12, Access::write, mine, 2);
  REQUIRE(device.found().empty());
  device.block().barrier(0xf);
  const auto low_then_word = [&](LaneMask who) {
    device.shared(0, 20, Access::read, same(0), 2, 1);
    device.shared(0, 21, Access::read, same(0), 4, who);
  };
  SECTION("the low half's readers do not read the high half") {
    low_then_word(2);
    device.shared(0, 22, Access::write, same(2), 2, 2);
    REQUIRE(device.found().empty());
  }
  SECTION("the low half has two readers") {
    low_then_word(2);
    device.shared(0, 22, Access::write, same(0), 2, 2);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 22}});
  }
}

// Broken: a read joins those that lanes of the warp did before they met, and then counts as several threads'.
TEST_CASE("reads before a meeting are over", "[simt]") {
  Device device;
  device.start();
  device.shared(0, 10, Access::write, row(0));
  const LaneMask half = GENERATE(full, 0xffffu);
  device.block().warp_sync({0, 15, half});
  device.shared(
      0, 20, Access::read, [](std::uint32_t lane) { return 4 * (lane ^ 1); }, 4, half);
  device.block().warp_sync({0, 25, half});
  device.shared(0, 30, Access::read, row(0), 4, half);
  device.shared(0, 31, Access::write, row(0), 4, half);
  REQUIRE(device.found().empty());
}

// Broken: two lanes that store to one word in one instruction go unseen.
TEST_CASE("two lanes store to one word", "[simt]") {
  Device device;
  device.start();
  device.shared(0, 10, Access::write, [](std::uint32_t lane) { return 4 * (lane / 2); });
  REQUIRE(device.found() == Found{{FaultKind::race_shared, 10}});
  device.block().barrier(0xf);
  device.shared(
      0, 11, Access::write, [](std::uint32_t lane) { return 2 * lane; }, 2);
  REQUIRE(device.found().empty());
}

// Broken: reads of one word by several warps or lanes are remembered as one thread's.
TEST_CASE("a writer is held against all readers", "[simt]") {
  Device device;
  device.start();
  for (std::uint32_t warp = 0; warp < 4; ++warp) device.shared(warp, 10, Access::write, row(warp * 128));
  device.block().barrier(0xf);
  SECTION("warps") {
    device.shared(1, 20, Access::read, row(0));
    device.shared(0, 21, Access::read, row(0));
    device.shared(0, 30, Access::write, row(0));
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
  }
  SECTION("lanes, the writer among them") {
    device.shared(0, 20, Access::read, same(0));
    device.shared(0, 30, Access::write, same(0), 4, 1);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
  }
  SECTION("lanes, the writer last") {
    device.shared(0, 20, Access::read, same(0));
    device.shared(0, 30, Access::write, same(0), 4, 1u << 31);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
  }
  SECTION("lanes that have met") {
    device.shared(0, 20, Access::read, same(0));
    device.block().warp_sync({0, 25, full});
    device.shared(0, 30, Access::write, same(0), 4, 1);
    REQUIRE(device.found().empty());
  }
}

// Broken: shared atomics race among themselves, or are taken for a barrier.
TEST_CASE("shared atomics are exempt among themselves alone", "[simt]") {
  Device device;
  device.start();
  device.shared(0, 10, Access::write, same(0), 4, 1);
  device.block().barrier(0xf);
  for (std::uint32_t warp = 0; warp < 4; ++warp) device.shared(warp, 20, Access::atomic, same(0));
  REQUIRE(device.found().empty());
  device.shared(0, 30, Access::read, same(0), 4, 1);
  REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
}

// Broken: reads of shared memory that nobody has written, or beyond it, or crooked, pass.
TEST_CASE("shared memory is written, in bounds and aligned", "[simt]") {
  Device device;
  device.start(1, 128, 0, 1000);
  device.shared(0, 10, Access::write, row(0), 4, 0xffff);
  REQUIRE(device.shared(0, 20, Access::read, row(0)) == full);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 20}});
  REQUIRE(device.shared(0, 30, Access::write, row(996)) == 1u);
  REQUIRE(device.found() == Found{{FaultKind::out_of_bounds, 30}});
  REQUIRE(device.shared(0, 40, Access::write, row(512, 8), 16, 3) == 1u);
  REQUIRE(device.found() == Found{{FaultKind::misaligned, 40}});
  device.shared(
      0, 50, Access::write, [](std::uint32_t) { return 800; }, 1, 1);
  device.shared(0, 51, Access::read, same(800), 2, 1);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 51}});
  // A new block finds nothing of the last one's.
  device.block().begin_block(0);
  device.shared(0, 60, Access::read, row(0), 4, 1);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 60}});
}

// Broken: what cp.async brings may be read before its wait, or needs no barrier for other threads after it.
TEST_CASE("cp.async lands at its wait", "[simt]") {
  Device device;
  const std::uint64_t source = device.memory.allocate(4096);
  ReportLog log;
  device.memory.fill(source, 0, 4, 1024, log);
  device.start();
  const Offsets shared(row(0, 16));
  const Addresses global([&](std::uint32_t lane) { return source + 16 * lane; });
  REQUIRE(device.block().async_issue({0, 10, full}, shared.at.data(), global.at.data(), 16) == full);
  SECTION("no wait") {
    device.block().barrier(0xf);
    device.shared(1, 20, Access::read, row(0));
    REQUIRE(device.found() == Found{{FaultKind::async_before_wait, 20}});
  }
  SECTION("no wait, the thread's own") {
    device.shared(0, 20, Access::read, row(0, 16), 16);
    REQUIRE(device.found() == Found{{FaultKind::async_before_wait, 20}});
  }
  SECTION("wait without barrier") {
    device.block().async_land({0, 12, full}, shared.at.data(), 16);
    device.shared(0, 20, Access::read, row(0, 16), 16);
    REQUIRE(device.found().empty());
    device.shared(1, 21, Access::read, row(0));
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 21}});
  }
  SECTION("wait and barrier") {
    device.block().async_land({0, 12, full}, shared.at.data(), 16);
    device.block().barrier(0xf);
    device.shared(1, 21, Access::read, row(0));
    REQUIRE(device.found().empty());
    // The next copy into it needs a barrier after the reads.
    device.block().async_issue({0, 30, full}, shared.at.data(), global.at.data(), 16);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
  }
  SECTION("zero fill reads only what it says") {
    Offsets sources([](std::uint32_t lane) { return lane == 31 ? 0 : 16; });
    Addresses near_end([&](std::uint32_t lane) { return source + 4096 - 496 + 16 * lane; });
    const Offsets other(row(1024, 16));
    device.block().async_issue({0, 40, full}, other.at.data(), near_end.at.data(), 16, sources.at.data());
    REQUIRE(device.found().empty());
    near_end.at[31] = 3;  // a lane that reads nothing may name any address
    device.block().async_land({0, 40, full}, other.at.data(), 16);
    device.block().async_issue({0, 40, full}, other.at.data(), near_end.at.data(), 16, sources.at.data());
    REQUIRE(device.found().empty());
    near_end.at[31] = source + 4096;
    device.block().async_issue({1, 41, full}, Offsets(row(2048, 16)).at.data(), near_end.at.data(), 16);
    REQUIRE(device.found() == Found{{FaultKind::out_of_bounds, 41}});
  }
}

// Broken: ldmatrix is taken for 32 private reads, though each row goes to all lanes.
TEST_CASE("ldmatrix reads for the whole warp", "[simt]") {
  Device device;
  device.start();
  device.shared(0, 10, Access::write, row(0, 16), 16);
  SECTION("without __syncwarp") {
    device.shared(0, 20, Access::matrix_read, row(0, 16), 16);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 20}});
  }
  SECTION("with") {
    device.block().warp_sync({0, 15, full});
    device.shared(0, 20, Access::matrix_read, row(0, 16), 16);
    REQUIRE(device.found().empty());
    device.shared(0, 30, Access::write, row(0, 16), 16);
    REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
  }
}

// Broken: reads of local arrays before they are written, or beyond them, pass.
TEST_CASE("local memory is written and in bounds", "[simt]") {
  Device device;
  device.start(1, 64, 0, 0, 40);
  const Offsets zero(same(0)), end(same(40)), eight(same(8));
  device.block().local({0, 10, full}, Access::write, zero.at.data(), 8);
  device.block().local({0, 20, full}, Access::read, zero.at.data(), 8);
  REQUIRE(device.found().empty());
  device.block().local({1, 21, full}, Access::read, zero.at.data(), 8);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 21}});
  device.block().local({0, 22, full}, Access::read, eight.at.data(), 4);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 22}});
  REQUIRE(device.block().local({0, 23, full}, Access::write, end.at.data(), 4) == 0);
  REQUIRE(device.found() == Found{{FaultKind::out_of_bounds, 23}});
}

// Broken: global accesses beyond an allocation, to freed, crooked or unwritten memory pass.
TEST_CASE("global memory is there, written and aligned", "[simt]") {
  Device device;
  const std::uint64_t a = device.memory.allocate(130), freed = device.memory.allocate(256);
  device.memory.release(freed, AllocationKind::device);
  device.start(1, 32);
  const auto at = [](std::uint64_t base, std::uint64_t bytes) {
    return [=](std::uint32_t lane) { return base + bytes * lane; };
  };
  REQUIRE(device.global(0, 0, 10, Access::write, at(a, 4)) == full);
  REQUIRE(device.found().empty());
  REQUIRE(device.global(0, 0, 11, Access::read, at(a, 4)) == full);
  REQUIRE(device.found().empty());
  device.block().barrier(1);
  REQUIRE(device.global(0, 0, 20, Access::write, at(a + 4, 4)) == full >> 1);
  REQUIRE(device.found() == Found{{FaultKind::out_of_bounds, 20}});
  device.global(0, 0, 21, Access::read, at(a + 128, 1), 1, 1);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 21}});
  REQUIRE(device.global(0, 0, 22, Access::write, at(a + 128, 1), 1, 7) == 3);
  REQUIRE(device.found() == Found{{FaultKind::out_of_bounds, 22}});
  REQUIRE(device.global(0, 0, 23, Access::read, at(freed, 4)) == 0);
  REQUIRE(device.found() == Found{{FaultKind::use_after_free, 23}});
  REQUIRE(device.global(0, 0, 24, Access::read, at(a + 4, 16), 16, 1) == 0);
  REQUIRE(device.found() == Found{{FaultKind::misaligned, 24}});
  REQUIRE(device.global(0, 0, 25, Access::read, at(16, 4)) == 0);
  REQUIRE(device.found() == Found{{FaultKind::out_of_bounds, 25}});
}

// Broken: what an arena hands on to its next user still counts as written.
TEST_CASE("forgotten memory is unwritten again", "[simt]") {
  Device device;
  const std::uint64_t a = device.memory.allocate(256);
  const auto at = [a](std::uint32_t lane) { return a + 4 * lane; };
  device.start(1, 32);
  device.global(0, 0, 10, Access::write, at);
  device.memory.forget(a + 2, 64);
  device.global(0, 0, 20, Access::read, at, 4, 0xfffe0000);
  REQUIRE(device.found().empty());
  device.global(0, 0, 21, Access::read, at, 4, 1u << 16);
  REQUIRE(device.found() == Found{{FaultKind::unwritten_read, 21}});
  device.global(0, 0, 22, Access::read, at, 2, 1);
  REQUIRE(device.found().empty());
}

// Broken: blocks that write what others read go unseen, or neighbours in one word are taken for rivals.
TEST_CASE("blocks of a launch race in global memory", "[simt]") {
  Device device;
  const std::uint64_t a = device.memory.allocate(4096);
  const auto at = [a](std::uint64_t from, std::uint64_t bytes = 4) {
    return [=](std::uint32_t lane) { return a + from + bytes * lane; };
  };
  ReportLog log;
  device.memory.history().begin(0, device.known);
  device.known = device.memory.history().clock();
  device.memory.fill(a, 0, 4, 1024, log);
  device.start(4, 64);
  SECTION("write, read") {
    device.global(0, 0, 10, Access::write, at(0));
    device.global(1, 0, 20, Access::read, at(64));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
  }
  SECTION("read, write") {
    device.global(0, 0, 10, Access::read, at(0));
    device.global(1, 0, 20, Access::write, at(64));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
  }
  SECTION("several read, one of them writes") {
    for (std::size_t block : {0, 1, 2}) device.global(block, 0, 10, Access::read, at(0));
    device.global(2, 0, 20, Access::write, at(0));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
  }
  SECTION("write, write") {
    device.global(0, 0, 10, Access::write, at(0));
    device.global(1, 0, 20, Access::write, at(64));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
  }
  SECTION("barriers do not order blocks") {
    device.global(0, 0, 10, Access::write, at(0));
    device.block(0).barrier(3);
    device.block(1).barrier(3);
    device.global(1, 0, 20, Access::read, at(0));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
  }
  SECTION("halves of a word") {
    device.global(0, 0, 10, Access::write, at(0, 4), 2);
    device.global(1, 0, 11, Access::write, at(2, 4), 2);
    REQUIRE(device.found().empty());
  }
  SECTION("warps of a block") {
    device.global(0, 0, 10, Access::write, at(0));
    device.global(0, 1, 20, Access::read, at(0));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
    device.block(0).barrier(3);
    device.global(0, 1, 21, Access::read, at(0));
    REQUIRE(device.found().empty());
  }
  SECTION("the next launch") {
    device.global(0, 0, 10, Access::write, at(0));
    device.start(4, 64);
    device.global(3, 0, 20, Access::read, at(0));
    device.global(3, 0, 20, Access::write, at(0));
    REQUIRE(device.found().empty());
  }
  SECTION("a launch on another stream") {
    device.global(0, 0, 10, Access::write, at(0));
    device.known = Clock();
    device.start(1, 64, 1);
    device.global(0, 0, 20, Access::read, at(0));
    REQUIRE(device.found() == Found{{FaultKind::race_operations, 20}});
  }
  SECTION("atomics") {
    for (std::size_t block : {0, 1, 2}) device.global(block, 0, 10, Access::atomic, at(0));
    REQUIRE(device.found().empty());
    device.global(3, 0, 20, Access::read, at(0));
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
  }
}

// Broken: the last block that sums what the others left raises an alarm, or none without its fence.
TEST_CASE("the last block done reads what the others fenced", "[simt]") {
  enum class How {
    one_thread,
    all_fence,
    fence_after_barrier,
    warp,
    no_fence,
    fence_too_early,
    reader_not_told
  };
  const auto how = GENERATE(How::one_thread, How::all_fence, How::fence_after_barrier, How::warp,
                            How::no_fence, How::fence_too_early, How::reader_not_told);
  CAPTURE(static_cast<int>(how));
  Device device;
  const std::uint64_t partial = device.memory.allocate(4096), count = device.memory.allocate(4);
  ReportLog log;
  device.memory.history().begin(0, device.known);
  device.known = device.memory.history().clock();
  device.memory.fill(count, 0, 4, 1, log);
  const std::uint32_t grid = 4;
  device.start(grid, 64);
  const auto counter = [=](std::uint32_t) { return count; };
  for (std::size_t block = 0; block < grid; ++block) {
    const auto mine = [=](std::uint32_t lane) { return partial + block * 128 + 4 * lane; };
    const auto fence = [&](std::uint32_t warp, LaneMask lanes) {
      device.block(block).fence({warp, 11, lanes});
    };
    const bool one = how == How::one_thread;
    if (how == How::fence_too_early) fence(0, full);
    device.global(block, 0, 10, Access::write, mine, 4, one ? 1 : full);
    if (one) fence(0, 1);
    if (how == How::all_fence) {
      fence(0, full);
      fence(1, full);
    }
    if (how == How::warp) {
      fence(0, full);
      device.block(block).warp_sync({0, 12, full});
    } else if (!one) {
      device.block(block).barrier(3);
    }
    if (how == How::fence_after_barrier || how == How::reader_not_told) fence(0, 1);
    device.global(block, 0, 13, Access::atomic, counter, 4, 1);
    REQUIRE(device.found().empty());
  }
  const auto last = grid - 1;
  if (how != How::reader_not_told) device.block(last).barrier(3);
  for (std::size_t block = 0; block < grid; ++block) {
    device.global(last, 1, 20, Access::read, [=](std::uint32_t) { return partial + block * 128; });
  }
  const bool clean =
      how == How::one_thread || how == How::all_fence || how == How::fence_after_barrier || how == How::warp;
  if (clean)
    REQUIRE(device.found().empty());
  else
    REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
}

// Broken: a block whose clock runs out of ticks forgets its order or raises false alarms.
TEST_CASE("a long block's clock starts anew", "[simt]") {
  Device device;
  const std::uint64_t a = device.memory.allocate(4096);
  device.start(2, 64);
  const auto at = [a](std::uint32_t lane) { return a + 4 * lane; };
  for (std::uint32_t round = 0; round < 70000; ++round) {
    const std::uint32_t writer = round & 1;
    device.shared(writer, 10, Access::write, row(0));
    device.global(0, writer, 11, Access::write, at);
    device.block().barrier(3);
    device.shared(1 - writer, 12, Access::read, row(0));
    device.global(0, 1 - writer, 13, Access::read, at);
    device.block().barrier(3);
  }
  REQUIRE(device.found().empty());
  device.global(1, 0, 20, Access::read, at);
  REQUIRE(device.found() == Found{{FaultKind::race_global, 20}});
}

// Broken: the vector code and the plain code judge differently, or leave different shadows behind.
TEST_CASE("vector and plain checks agree", "[simt]") {
  if (&fast::functions() == &fast::scalar_functions) {
    WARN("skipped: vector and plain checks agree: no AVX-512 here");
    return;
  }
  std::uint32_t random = 12345;
  const auto next = [&](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  constexpr std::uint32_t words = 512;
  struct Shadow {
    std::vector<std::uint8_t> state = std::vector<std::uint8_t>(words + 64, cells::state_written);
    std::vector<std::uint32_t> write = std::vector<std::uint32_t>(words + 64);
    std::vector<std::uint32_t> read = write, pc = write, write_serial = write, read_serial = write;
    fast::View view() {
      fast::View v;
      v.state = state.data(), v.write = write.data(), v.read = read.data(), v.write_pc = pc.data();
      v.write_serial = write_serial.data(), v.read_serial = read_serial.data();
      v.bytes = words * 4;
      return v;
    }
  };
  int passed = 0, stopped = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    Shadow plain;
    const std::uint32_t serial = 20 + next(3);
    for (std::uint32_t i = 0; i < words; ++i) {
      if (next(200) == 0) plain.state[i] = next(2) ? cells::state_exists : 0;
      if (next(8)) {
        const std::uint32_t same_thread = i % 32 + 32 * next(2);
        plain.write[i] =
            cells::pack(1 + next(4), 15, next(100) ? 0 : next(4), next(30) ? same_thread : next(64));
        plain.read[i] =
            cells::pack(1 + next(4), 15, next(30) ? 0 : next(4), next(30) ? same_thread : next(64));
        plain.write_serial[i] = next(50) ? serial : 8 + next(20);
        plain.read_serial[i] = next(5) ? serial : 8 + next(22);
      }
    }
    Shadow vector = plain;
    const auto place = [&](fast::View view) {
      view.serial = serial, view.first = 20, view.many = 24, view.floor = 16, view.unordered = 1 + trial % 4;
      view.barrier_floor = 4u << cells::tick_shift;
      view.warp_floor = (4u + trial % 2) << cells::tick_shift;
      view.now = 5u << cells::tick_shift | cells::all_bytes;
      view.pc = 77;
      return view;
    };
    fast::View views[2] = {place(plain.view()), place(vector.view())};
    const std::uint32_t warp = next(2), bytes = 4u << next(3);
    const auto mode = static_cast<fast::Mode>(next(3));
    const LaneMask lanes = next(2) ? full : (next(0xffff) << 16 | next(0xffff) | 1);
    const std::uint32_t base = next(100) * 4, pattern = next(3);
    const auto offset = [&](std::uint32_t lane) {
      return pattern == 0   ? (base / bytes + lane) * bytes % (words * 4)
             : pattern == 1 ? (base / bytes + lane / 8) * bytes
                            : (base * 5 + lane * 13) % (words * 4 / bytes) * bytes;
    };
    const Offsets offsets(offset);
    const Addresses addresses(offset);
    bool results[2];
    const bool global = next(2);
    for (int i = 0; i < 2; ++i) {
      views[i].thread0 = warp * 32;
      if (!global) views[i].write_serial = views[i].read_serial = nullptr;
      const fast::Functions& functions = fast::functions(i == 0);
      results[i] = global ? functions.global(views[i], mode, lanes, addresses.at.data(), bytes)
                          : functions.shared(views[i], mode, lanes, offsets.at.data(), bytes);
    }
    CAPTURE(trial, lanes, bytes, pattern, global, static_cast<int>(mode));
    REQUIRE(results[0] == results[1]);
    ++(results[0] ? passed : stopped);
    if (!results[0]) continue;
    REQUIRE((plain.state == vector.state));
    REQUIRE((plain.write == vector.write));
    REQUIRE((plain.pc == vector.pc));
    REQUIRE((plain.write_serial == vector.write_serial));
    REQUIRE((plain.read_serial == vector.read_serial));
    for (std::uint32_t i = 0; i < words; ++i) {
      // Of several lanes that read a word, which one is named is open; of several blocks, nothing is.
      if (plain.read_serial[i] == 24) continue;
      const std::uint32_t apart = plain.read[i] ^ vector.read[i];
      REQUIRE((apart & ~cells::thread_mask) == 0);
      if (!(plain.read[i] & cells::many_lanes)) REQUIRE(apart == 0);
    }
  }
  REQUIRE(passed > 500);
  REQUIRE(stopped > 500);
}
