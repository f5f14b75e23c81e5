#include "agon/philox.h"

#include <cmath>

#include "catch.h"

// Were a round constant or the counter order wrong, no other Philox would give the same numbers.
TEST_CASE("philox4x32-10 gives the published known answers") {
  using agon::Philox4;
  CHECK(agon::philox4x32({0, 0, 0, 0}, {0, 0}) ==
        Philox4{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  CHECK(agon::philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
        Philox4{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(agon::philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}) ==
        Philox4{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

// Were the sequential reader and the random-access form different, host and kernels would draw apart.
TEST_CASE("a philox stream reads the words that philox_at addresses") {
  agon::PhiloxStream stream(7, 3, 11);
  for (uint32_t i = 0; i < 9; ++i) CHECK(stream.next() == agon::philox_at(7, 3, 11, i / 4)[i % 4]);
}

// Were the bound inclusive or uniform() able to return 1, index draws would run past the end.
TEST_CASE("philox draws stay inside their ranges") {
  agon::PhiloxStream stream(1, 0, 0);
  for (int i = 0; i < 10000; ++i) {
    CHECK(stream.below(10) < 10u);
    const float u = stream.uniform();
    CHECK((u >= 0.0f && u < 1.0f));
  }
  CHECK(agon::philox_uniform(~0u) < 1.0f);
}

// Were the pairing of words or the radius wrong, noise would have the wrong spread or repeat itself.
TEST_CASE("philox normals have the moments of a standard normal") {
  constexpr int blocks = 50000;
  double sum = 0, square = 0, fourth = 0, neighbours = 0;
  for (int i = 0; i < blocks; ++i) {
    const auto words = agon::philox_at(5, 1, 2, static_cast<uint32_t>(i));
    for (int lane = 0; lane < 4; ++lane) {
      const double z = agon::philox_normal(words, lane);
      sum += z;
      square += z * z;
      fourth += z * z * z * z;
      neighbours += z * agon::philox_normal(words, lane ^ 1);
    }
  }
  constexpr double n = 4.0 * blocks;
  CHECK(std::fabs(sum / n) < 0.01);
  CHECK(std::fabs(square / n - 1) < 0.02);
  CHECK(std::fabs(fourth / n - 3) < 0.15);
  CHECK(std::fabs(neighbours / n) < 0.01);
  CHECK(agon::philox_normal({~0u, 0u, 0u, 0u}, 0) == 0.0);
}
