// What the language offers, on the device against the host.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "catch.h"
#include "programs.h"

using namespace programs;

namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

}  // namespace

// Broken: lanes that leave a loop at different times.
TEST_CASE("divergent loops: Collatz", "[programs]") {
  const std::vector<int> x = random_ints(500, 1, 1, 100000);
  DeviceArray<int> dx(x), dy(x.size());
  collatz(dx.data(), static_cast<int>(x.size()), dy.data());
  finish();
  const std::vector<int> y = dy.host();
  for (size_t i = 0; i < x.size(); ++i) {
    int count = 0;
    for (long long v = x[i]; v != 1; v = v % 2 == 0 ? v / 2 : 3 * v + 1) ++count;
    REQUIRE(y[i] == count);
  }
}

// Broken: branch tables, fall-through, early returns inside of loops.
TEST_CASE("divergent switches", "[programs]") {
  const std::vector<int> x = random_ints(700, 2, 0, 5000);
  DeviceArray<int> dx(x), dy(x.size());
  dispatch(dx.data(), static_cast<int>(x.size()), dy.data());
  finish();
  const std::vector<int> y = dy.host();
  const auto expected = [](int v) {
    int out = 0;
    for (int round = 0; round < 3; ++round) {
      switch (v % 8) {
        case 0:
          out += 1;
          break;
        case 1:
          out ^= v;
          continue;
        case 2:
          out -= 7;
          [[fallthrough]];
        case 3:
          out *= 3;
          break;
        case 4:
          return out;
        case 5:
          out = static_cast<int>(static_cast<unsigned>(out) << 2 | 1);
          break;
        case 6:
          for (int k = 0; k < v % 5; ++k) out += k * v;
          break;
        default:
          out = -out;
      }
      v = v / 3 + 1;
    }
    return out;
  };
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(y[i] == expected(x[i]));
}

// Broken: double arithmetic, or blocks of two dimensions with ragged edges.
TEST_CASE("Mandelbrot in doubles", "[programs]") {
  const int width = 50, height = 39, limit = 60;
  DeviceArray<int> d(static_cast<size_t>(width * height));
  mandelbrot(d.data(), width, height, limit);
  finish();
  const std::vector<int> found = d.host();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double real = -2.0 + 3.0 * x / width, imaginary = -1.5 + 3.0 * y / height;
      double zr = 0, zi = 0;
      int i = 0;
      for (; i < limit && zr * zr + zi * zi < 4; ++i) {
        const double next = zr * zr - zi * zi;
        zi = 2 * zr * zi + imaginary;
        zr = next + real;
      }
      REQUIRE(found[static_cast<size_t>(y * width + x)] == i);
    }
}

// Broken: an integer instruction, its width or its sign.
TEST_CASE("integers of all widths", "[programs]") {
  std::mt19937_64 random(5);
  std::vector<int64_t> x, y;
  for (int i = 0; i < 400; ++i) {
    // Of all magnitudes, and a few special ones.
    const auto draw = [&] { return static_cast<int64_t>(random()) >> (random() % 64); };
    const int64_t special[] = {0, 1, -1, INT32_MAX, INT32_MIN, INT64_MAX, 255, -128};
    x.push_back(i < 64 ? special[i / 8] : draw());
    y.push_back(i < 64 ? special[i % 8] : draw());
    if (y.back() == 0 || y.back() == -1) y.back() = 3;
    if (static_cast<int32_t>(y.back()) == -1) y.back() ^= 4;
    if (static_cast<int16_t>(y.back()) == -1) y.back() ^= 8;
  }
  constexpr size_t results = 16;
  DeviceArray<int64_t> dx(x), dy(y), dz(results * x.size());
  integers(dx.data(), dy.data(), static_cast<int>(x.size()), dz.data());
  finish();
  const std::vector<int64_t> found = dz.host();
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t p = x[i], q = y[i];
    INFO("x " << p << " y " << q);
    const auto a = static_cast<int32_t>(p), b = static_cast<int32_t>(q);
    const auto ua = static_cast<uint32_t>(p), ub = static_cast<uint32_t>(q);
    const auto up = static_cast<uint64_t>(p), uq = static_cast<uint64_t>(q);
    const auto sa = static_cast<int16_t>(p), sb = static_cast<int16_t>(q);
    const auto wrap = [](Int128 v) { return static_cast<int64_t>(static_cast<uint64_t>(v)); };
    const auto int32 = [](int64_t v) { return static_cast<int64_t>(static_cast<int32_t>(v)); };
    int64_t r[results];
    r[0] = p / q;
    r[1] = p % q;
    r[2] = static_cast<int64_t>(up / uq);
    r[3] = b == 0 ? 0 : a % b;
    r[4] = ub == 0 ? 0 : static_cast<int64_t>(ua / ub);
    r[5] = static_cast<int64_t>(a) * b >> 32;
    r[6] = wrap(static_cast<UInt128>(up) * uq >> 64);
    r[7] = static_cast<int64_t>(up << (ub % 64)) ^ (p >> (ua % 64));
    r[8] = int32(int64_t{std::popcount(ua)} + 100 * std::countl_zero(ua) +
                 10000 * (b == 0 ? 0 : std::countr_zero(ub) + 1) + 1000000 * std::popcount(up));
    uint64_t reversed = 0;
    for (int k = 0; k < 64; ++k) reversed |= (up >> k & 1) << (63 - k);
    r[9] = static_cast<int64_t>(reversed);
    const uint64_t both = static_cast<uint64_t>(ub) << 32 | ua;
    uint32_t permuted = 0;
    for (int k = 0; k < 4; ++k)
      permuted |= static_cast<uint32_t>(both >> (8 * (0x3614 >> (4 * k) & 7)) & 0xff) << (8 * k);
    r[10] = static_cast<int64_t>(static_cast<uint32_t>(both << (ua % 32) >> 32) ^ permuted);
    r[11] = static_cast<int16_t>(sa * sb) + (sb == 0 ? 0 : sa / sb);
    r[12] = static_cast<int8_t>(p) * static_cast<uint8_t>(q);
    const Int128 wide = static_cast<Int128>(p) * q + up;
    r[13] = wrap(wide >> 64) ^ wrap(wide);
    r[14] = wrap(static_cast<Int128>(std::max(a, b)) - std::min(p, q) + std::abs(a / 2));
    r[15] = wrap(static_cast<Int128>(wrap(static_cast<Int128>(ua) * ub)) + static_cast<int64_t>(a) * b);
    for (size_t k = 0; k < results; ++k) {
      INFO("result " << k);
      CHECK(found[i * results + k] == r[k]);
    }
  }
}

// Broken: conversions to halves and their rounding, packed halves, or the halves of a pair mixed up.
TEST_CASE("f16 and bf16", "[programs]") {
  const std::vector<float> x = random_floats(300, 6, -100, 100), y = random_floats(300, 7, -3, 3);
  constexpr size_t results = 8;
  DeviceArray<float> dx(x), dy(y), dz(results * x.size());
  halves(dx.data(), dy.data(), 300, dz.data());
  finish();
  // Rounds to `bits` of mantissa, to even; all values here are normal numbers.
  const auto round_to = [](double v, int bits) {
    if (v == 0) return v;
    const int exponent = std::ilogb(v);
    return std::ldexp(std::nearbyint(std::ldexp(v, bits - exponent)), exponent - bits);
  };
  const auto half = [&](double v) { return round_to(v, 10); };
  const auto bf16 = [&](double v) { return round_to(v, 7); };
  const std::vector<float> found = dz.host();
  for (size_t i = 0; i < x.size(); ++i) {
    INFO("x " << x[i] << " y " << y[i]);
    const double hx = half(x[i]), hy = half(y[i]), bx = bf16(x[i]), by = bf16(y[i]);
    const double r[results] = {
        hx, half(hx + hy),      half(hx * hy),   half(hx * hy + hy), half(hy * hy + hx),
        bx, bf16(bx * by + by), std::max(bx, by)};
    for (size_t k = 0; k < results; ++k) {
      INFO("result " << k);
      // A half below 2^-14 is subnormal: coarser than round_to.
      CHECK(static_cast<double>(found[i * results + k]) == Approx(r[k]).epsilon(0).margin(k < 5 ? 3e-8 : 0));
    }
  }
}

// Broken: an instruction of the routines that the math library is made of.
TEST_CASE("math functions in double", "[programs]") {
  std::vector<double> x;
  for (int i = 1; i <= 200; ++i) x.push_back(0.05 * i);
  DeviceArray<double> dx(x), dy(8 * x.size());
  doubles(dx.data(), static_cast<int>(x.size()), dy.data());
  finish();
  const std::vector<double> found = dy.host();
  for (size_t i = 0; i < x.size(); ++i) {
    const double v = x[i];
    const double r[8] = {std::sqrt(v), 1 / v,
                         std::exp(v),  std::log(v),
                         std::sin(v),  std::pow(v, 0.3),
                         std::tanh(v), std::fma(v, v, -v) + std::floor(v) + std::nearbyint(v * 3)};
    for (size_t k = 0; k < 8; ++k) {
      INFO("x " << v << " result " << k);
      CHECK(found[8 * i + k] == Approx(r[k]).epsilon(1e-14).margin(1e-15));
    }
  }
}

// Broken: the same in f32, the slow range reduction of cosf, and approximate instructions.
TEST_CASE("math functions in float", "[programs]") {
  std::vector<float> x;
  for (int i = 1; i <= 200; ++i) x.push_back(0.05f * static_cast<float>(i));
  x.push_back(1e6f);
  DeviceArray<float> dx(x), dy(12 * x.size());
  functions(dx.data(), static_cast<int>(x.size()), dy.data());
  finish();
  const std::vector<float> found = dy.host();
  for (size_t i = 0; i < x.size(); ++i) {
    const double v = x[i];
    const double r[12] = {std::sqrt(v),
                          1 / v,
                          std::exp(v),
                          std::log(v),
                          std::sin(v),
                          std::cos(static_cast<double>(x[i] * 1000)),
                          std::pow(v, static_cast<double>(1.7f)),
                          std::tanh(v),
                          1 / std::sqrt(v),
                          std::erf(v),
                          std::exp(v),
                          v * v + v + std::floor(v) + std::min(v, 1.0) - 2};
    for (size_t k = 0; k < 12; ++k) {
      INFO("x " << v << " result " << k);
      const auto value = static_cast<double>(found[12 * i + k]);
      if (r[k] > 3.4e38)
        CHECK(std::isinf(value));
      else
        CHECK(value == Approx(r[k]).epsilon(k == 10 ? 4e-6 : 1e-6).margin(3e-7));
    }
  }
}

// Broken: local memory, whose addresses differ by lane.
TEST_CASE("arrays in local memory", "[programs]") {
  const std::vector<int> x = random_ints(500, 8, 0, 2000000000);
  DeviceArray<int> dx(x), dy(x.size());
  local_arrays(dx.data(), static_cast<int>(x.size()), dy.data());
  finish();
  const std::vector<int> y = dy.host();
  for (size_t i = 0; i < x.size(); ++i) {
    int counts[10] = {};
    for (int v = x[i]; v > 0; v /= 10) ++counts[v % 10];
    const auto best = std::max_element(counts, counts + 10) - counts;
    REQUIRE(y[i] == best * 100 + counts[best]);
  }
}

// Broken: symbols of the module, their first values, or copies to and from them.
TEST_CASE("constants and device variables", "[programs]") {
  float table[16];
  for (int i = 0; i < 16; ++i) table[i] = 1.5f * static_cast<float>(i);
  set_constants(table);
  const std::vector<int> x = random_ints(100, 9, 0, 1000);
  DeviceArray<int> dx(x);
  DeviceArray<float> dy(x.size());
  const int before = count_of_launches();
  constants(dx.data(), 100, dy.data());
  constants(dx.data(), 100, dy.data());
  finish();
  CHECK(count_of_launches() == before + 2);
  const std::vector<float> y = dy.host();
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(y[i] == table[x[i] & 15] + table[3]);
}

// Broken: printf's formats, or pointers among the first values of variables.
TEST_CASE("lines printed by a kernel", "[programs]") {
  std::fflush(stdout);
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int kept = dup(1);
  dup2(fileno(file), 1);
  print_lines(4);
  const cudaError_t status = cudaDeviceSynchronize();
  std::fflush(stdout);
  dup2(kept, 1);
  close(kept);
  check(status, "cudaDeviceSynchronize");
  std::string printed(4096, '\0');
  std::rewind(file);
  printed.resize(std::fread(printed.data(), 1, printed.size(), file));
  std::fclose(file);
  std::string expected;
  const char* const words[] = {"zero", "one", "two"};
  for (int i = 0; i < 4; ++i) {
    char line[100];
    std::snprintf(line, sizeof line, "line %d of %s: %5.2f %lld %c %x %%\n", i, words[i % 3], i * 0.25,
                  1ll << (40 + i), 'a' + i, 255u * static_cast<unsigned>(i));
    expected += line;
  }
  CHECK(printed == expected);
}

// Broken: calls, structs passed and returned by value, arrays given by address.
TEST_CASE("nested calls of device functions", "[programs]") {
  const std::vector<int> x = random_ints(400, 10, 0, 100000);
  DeviceArray<int> dx(x), dy(x.size());
  nested_calls(dx.data(), static_cast<int>(x.size()), dy.data());
  finish();
  const std::vector<int> y = dy.host();
  for (size_t i = 0; i < x.size(); ++i) {
    int sum = 0, place = 1, v = x[i];
    do sum += 2 * (v % 10) * place++;
    while ((v /= 10) > 0);
    const int next = x[(i + 1) % x.size()];
    const int low = std::min(x[i], next), high = std::max(x[i], next);
    REQUIRE(y[i] == sum + 1000 * (high - low) + (x[i] > next && i > 0 ? 1 : 0) + 2 * low);
  }
}

// Broken: vectors of four in shared memory, or rsqrt.approx beyond its error.
TEST_CASE("gravity of bodies", "[programs]") {
  const size_t n = 150;
  std::vector<float> p = random_floats(4 * n, 11);
  DeviceArray<float> dp(p), da(4 * n);
  bodies(dp.data(), static_cast<int>(n), da.data());
  finish();
  const std::vector<float> a = da.host();
  for (size_t i = 0; i < n; ++i) {
    double sum[3] = {};
    for (size_t k = 0; k < n; ++k) {
      double d[3], square = 0.01;
      for (size_t c = 0; c < 3; ++c) {
        d[c] = static_cast<double>(p[4 * k + c]) - p[4 * i + c];
        square += d[c] * d[c];
      }
      for (size_t c = 0; c < 3; ++c) sum[c] += p[4 * k + 3] * d[c] / (square * std::sqrt(square));
    }
    for (size_t c = 0; c < 3; ++c) CHECK(a[4 * i + c] == Approx(sum[c]).epsilon(1e-4).margin(1e-3));
  }
}
