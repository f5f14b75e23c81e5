// Tensor-core products of every shape in use against the host. The sources are small integers and halves, so
// that the products are exact and every misplaced element shows.
#include <cmath>
#include <cstring>

#include "catch.h"
#include "programs.h"

using namespace programs;

namespace {

uint16_t to_bf16(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, 4);
  return static_cast<uint16_t>(bits >> 16);
}

// Of small multiples of 1/2, which a half holds exactly.
uint16_t to_f16(float x) {
  if (x == 0) return 0;
  int exponent = 0;
  const float fraction = std::frexp(std::abs(x), &exponent);
  const auto mantissa = static_cast<uint16_t>((fraction * 2 - 1) * 1024);
  return static_cast<uint16_t>((x < 0 ? 0x8000 : 0) | (exponent + 14) << 10 | mantissa);
}
float from_f16(uint16_t x) {
  const int exponent = x >> 10 & 31, mantissa = x & 1023;
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                        : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return x & 0x8000 ? -magnitude : magnitude;
}

std::vector<float> small_values(size_t size, unsigned seed) {
  std::vector<float> x;
  for (const int v : random_ints(size, seed, -16, 16)) x.push_back(0.5f * static_cast<float>(v));
  return x;
}

template <class T, class Convert>
std::vector<T> converted(const std::vector<float>& x, Convert convert) {
  std::vector<T> y;
  for (const float v : x) y.push_back(static_cast<T>(convert(v)));
  return y;
}

// a [m, k] row-major, b [n, k]: columns of B one behind the other, c [m, n].
std::vector<double> expected(const std::vector<float>& a, const std::vector<float>& b,
                             const std::vector<float>& c, size_t m, size_t n, size_t k) {
  std::vector<double> d(m * n);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      double sum = c[i * n + j];
      for (size_t q = 0; q < k; ++q) sum += static_cast<double>(a[i * k + q]) * b[j * k + q];
      d[i * n + j] = sum;
    }
  return d;
}

template <class Source, class Result, class Run, class ToSource, class ToResult, class FromResult>
void check_mma(size_t m, size_t n, size_t k, Run run, ToSource to_source, ToResult to_result,
               FromResult from_result) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    const std::vector<float> a = small_values(m * k, seed), b = small_values(n * k, seed + 10),
                             c = small_values(m * n, seed + 20);
    DeviceArray<Source> da(converted<Source>(a, to_source)), db(converted<Source>(b, to_source));
    DeviceArray<Result> dc(converted<Result>(c, to_result)), dd(m * n);
    run(da.data(), db.data(), dc.data(), dd.data());
    finish();
    const std::vector<double> d = expected(a, b, c, m, n, k);
    const std::vector<Result> found = dd.host();
    for (size_t i = 0; i < d.size(); ++i) REQUIRE(static_cast<double>(from_result(found[i])) == d[i]);
  }
}

const auto same = [](auto x) { return x; };

}  // namespace

// Broken: a fragment's layout, or the type of a source.
TEST_CASE("mma of bf16 and f16", "[programs]") {
  check_mma<uint16_t, float>(16, 8, 16, mma_bf16_k16, to_bf16, same, same);
  check_mma<uint16_t, float>(16, 8, 8, mma_bf16_k8, to_bf16, same, same);
  check_mma<uint16_t, float>(16, 8, 16, mma_f16_k16, to_f16, same, same);
  check_mma<uint16_t, float>(16, 8, 8, mma_f16_k8, to_f16, same, same);
}

// Broken: results held as pairs of halves, or their rounding.
TEST_CASE("mma with f16 results", "[programs]") {
  const auto rounded = [](float x) { return to_f16(x); };
  for (unsigned seed = 0; seed < 3; ++seed) {
    std::vector<float> a = small_values(16 * 16, seed), b = small_values(8 * 16, seed + 10),
                       c = small_values(16 * 8, seed + 20);
    for (float& v : a) v = std::trunc(v / 4);  // so that the results are exact too
    for (float& v : b) v = std::trunc(v / 2);
    DeviceArray<uint16_t> da(converted<uint16_t>(a, rounded)), db(converted<uint16_t>(b, rounded)),
        dc(converted<uint16_t>(c, rounded)), dd(16 * 8);
    mma_f16_half(da.data(), db.data(), dc.data(), dd.data());
    finish();
    const std::vector<double> d = expected(a, b, c, 16, 8, 16);
    const std::vector<uint16_t> found = dd.host();
    for (size_t i = 0; i < d.size(); ++i) REQUIRE(static_cast<double>(from_f16(found[i])) == d[i]);
  }
}

// Broken: tf32 layouts.
TEST_CASE("mma of tf32", "[programs]") {
  check_mma<float, float>(16, 8, 8, mma_tf32_k8, same, same, same);
  check_mma<float, float>(16, 8, 4, mma_tf32_k4, same, same, same);
}

// Broken: the sources are multiplied with more than tf32's 11 bits, or cut instead of rounded.
TEST_CASE("tf32 has ten bits behind the point", "[programs]") {
  std::vector<float> a(16 * 8), b(8 * 8), c(16 * 8);
  a[0] = 1 + 3.0f / 4096;  // rounds to 1 + 1/1024
  a[8] = 1 + 1.0f / 4096;  // rounds to 1
  b[0] = 1;
  DeviceArray<float> da(a), db(b), dc(c), dd(16 * 8);
  mma_tf32_k8(da.data(), db.data(), dc.data(), dd.data());
  finish();
  CHECK(dd.host()[0] == 1 + 1.0f / 1024);
  CHECK(dd.host()[8] == 1);
}

// Broken: bytes' signs, or 64-bit fragments.
TEST_CASE("mma of bytes and doubles", "[programs]") {
  const auto doubled = [](float x) { return static_cast<int>(2 * x); };
  for (unsigned seed = 0; seed < 3; ++seed) {
    const std::vector<float> a = small_values(16 * 32, seed), b = small_values(8 * 32, seed + 10),
                             c = small_values(16 * 8, seed + 20);
    std::vector<float> a2 = a, b2 = b, c2 = c;
    for (auto* x : {&a2, &b2, &c2})
      for (float& v : *x) v *= 2;
    DeviceArray<int8_t> da(converted<int8_t>(a, doubled)), db(converted<int8_t>(b, doubled));
    DeviceArray<int> dc(converted<int>(c, doubled)), dd(16 * 8);
    mma_s8_k32(da.data(), db.data(), dc.data(), dd.data());
    finish();
    const std::vector<double> d = expected(a2, b2, c2, 16, 8, 32);
    const std::vector<int> found = dd.host();
    for (size_t i = 0; i < d.size(); ++i) REQUIRE(found[i] == d[i]);
  }
  check_mma<double, double>(8, 8, 4, mma_f64_k4, same, same, same);
}

// Broken: ldmatrix, transposed or not, swizzled shared memory, or a warp's place in a tile.
TEST_CASE("product of bf16 through ldmatrix", "[programs]") {
  const int m = 64, n = 96, k = 128;
  const std::vector<float> a = small_values(static_cast<size_t>(m * k), 1),
                           b = small_values(static_cast<size_t>(k * n), 2);
  DeviceArray<uint16_t> da(converted<uint16_t>(a, to_bf16)), db(converted<uint16_t>(b, to_bf16));
  DeviceArray<float> dc(static_cast<size_t>(m * n));
  for (int seed = 0; seed < 3; ++seed) {
    set_seed(seed);
    product_bf16(da.data(), db.data(), dc.data(), m, n, k);
    finish();
    const std::vector<float> c = dc.host();
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int q = 0; q < k; ++q)
          sum += static_cast<double>(a[static_cast<size_t>(i * k + q)]) * b[static_cast<size_t>(q * n + j)];
        REQUIRE(static_cast<double>(c[static_cast<size_t>(i * n + j)]) == sum);
      }
  }
}
