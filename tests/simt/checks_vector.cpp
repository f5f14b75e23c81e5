// The vector code of the checks against their plain code.
#include "checks_fixture.h"
#include "cuda/simt/check/cells.h"
#include "cuda/simt/check/fast.h"

using namespace simt_test;

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
