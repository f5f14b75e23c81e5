// What may be accessed at all: memory that is there, written and aligned.
#include "checks_fixture.h"

using namespace simt_test;

// Broken: reads of shared memory that nobody has written, or beyond it, or crooked, pass.
TEST_CASE("shared memory is written, in bounds and aligned", "[simt]") {
  CheckedDevice device;
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

// Broken: reads of local arrays before they are written, or beyond them, pass.
TEST_CASE("local memory is written and in bounds", "[simt]") {
  CheckedDevice device;
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
  CheckedDevice device;
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
