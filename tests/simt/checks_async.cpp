// How the checks follow cp.async.
#include "checks_fixture.h"

using namespace simt_test;

// Broken: what cp.async brings may be read before its wait, or needs no barrier for other threads after it.
TEST_CASE("cp.async lands at its wait", "[simt]") {
  CheckedDevice device;
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
