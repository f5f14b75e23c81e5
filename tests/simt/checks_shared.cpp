// How the checks order the threads of a block that share memory.
#include "checks_fixture.h"

using namespace simt_test;

// Broken: a missing barrier between warps goes unseen, or a barrier that is there is not believed.
TEST_CASE("shared memory between warps needs a barrier", "[simt]") {
  for (const std::uint32_t bytes : {1u, 2u, 4u, 8u, 16u}) {
    CAPTURE(bytes);
    CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
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
  CheckedDevice device;
  device.start();
  device.shared(0, 10, Access::write, same(0), 4, 1);
  device.block().barrier(0xf);
  for (std::uint32_t warp = 0; warp < 4; ++warp) device.shared(warp, 20, Access::atomic, same(0));
  REQUIRE(device.found().empty());
  device.shared(0, 30, Access::read, same(0), 4, 1);
  REQUIRE(device.found() == Found{{FaultKind::race_shared, 30}});
}

// Broken: ldmatrix is taken for 32 private reads, though each row goes to all lanes.
TEST_CASE("ldmatrix reads for the whole warp", "[simt]") {
  CheckedDevice device;
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
