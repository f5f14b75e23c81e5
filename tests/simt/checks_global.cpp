// How the checks order blocks and launches that share global memory.
#include "checks_fixture.h"

using namespace simt_test;

// Broken: blocks that write what others read go unseen, or neighbours in one word are taken for rivals.
TEST_CASE("blocks of a launch race in global memory", "[simt]") {
  CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
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
