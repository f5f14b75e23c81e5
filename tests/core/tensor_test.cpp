#include "agon/tensor.h"

#include <array>
#include <cmath>

#include "catch.h"

using namespace agon;

// Were broadcasting off, every bias and every per-channel scale would be applied wrongly.
TEST_CASE("shapes broadcast as in NumPy and misfits are refused") {
  CHECK(broadcast({4, 1, 3}, {5, 1}) == Shape{4, 5, 3});
  CHECK(broadcast({}, {2, 2}) == Shape{2, 2});
  CHECK_THROWS_AS(broadcast({2}, {3}), Error);
  CHECK_THROWS_AS((Shape{1, 2, -1}), Error);
}

// Were buffers unaligned, vector loads in the CPU backend would fault or run slowly.
TEST_CASE("tensor memory is 64-byte aligned and zeroed") {
  Tensor t(DType::f32, {3, 5});
  CHECK(reinterpret_cast<uintptr_t>(t.bytes().data()) % 64 == 0);
  for (float v : t.as<float>()) CHECK(v == 0.0f);
}

// Were conversion to wrap instead of saturate, white pixels would turn black.
TEST_CASE("conversion rounds to nearest and saturates") {
  const std::array<float, 4> values{-3.0f, 2.6f, 254.6f, 300.0f};
  auto bytes = Tensor::of<float>({4}, values).to(DType::u8);
  CHECK(bytes.as<uint8_t>()[0] == 0);
  CHECK(bytes.as<uint8_t>()[1] == 3);
  CHECK(bytes.as<uint8_t>()[2] == 255);
  CHECK(bytes.as<uint8_t>()[3] == 255);
}

// Were bf16 truncated instead of rounded, master weights would drift downwards.
TEST_CASE("bf16 rounds to nearest even and keeps NaN") {
  CHECK(from_bf16(to_bf16(1.0f)) == 1.0f);
  CHECK(from_bf16(to_bf16(1.0f + 0x1p-8f)) == 1.0f);
  CHECK(from_bf16(to_bf16(1.0f + 3 * 0x1p-8f)) == 1.0f + 0x1p-6f);
  CHECK(std::isnan(from_bf16(to_bf16(std::nanf("")))));
}
