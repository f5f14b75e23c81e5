// Conversions and half-precision arithmetic, bit by bit against sums of doubles.
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "catch.h"
#include "instructions_fixture.h"

using namespace agon::simt;
using namespace agon::simt::instruction_test;

namespace {

using U64 = std::uint64_t;
using U32 = std::uint32_t;
using S32 = std::int32_t;
using S64 = std::int64_t;

// The nearest value of a grid of steps 2^(exponent - mantissa) to x, ties to even: an oracle of its own.
double nearest(double x, int mantissa, int lowest_exponent, double largest) {
  if (x == 0 || x != x || std::isinf(x)) return x;
  const int exponent = std::max(std::ilogb(x), lowest_exponent);
  const double step = std::ldexp(1.0, exponent - mantissa);
  const double y = std::nearbyint(x / step) * step;
  return std::fabs(y) > largest ? std::copysign(INFINITY, x) : y;
}
double nearest_f16(double x) {
  return nearest(x, 10, -14, 65504);
}
double nearest_bf16(double x) {
  return nearest(x, 7, -126, std::ldexp(255.0, 120));
}

double value_bf16(U64 h) {
  return as_float((h & 0xffff) << 16);
}
double value_f16(U64 h) {
  const int exponent = static_cast<int>(h >> 10 & 31);
  const double mantissa = static_cast<double>(h & 1023);
  const double magnitude = exponent == 0    ? std::ldexp(mantissa, -24)
                           : exponent == 31 ? (mantissa != 0 ? NAN : INFINITY)
                                            : std::ldexp(1024 + mantissa, exponent - 25);
  return h >> 15 & 1 ? -magnitude : magnitude;
}

void each(const std::string& body, const std::vector<U64>& in,
          const std::function<void(const U64*, U64)>& check) {
  INFO(body);
  const auto threads = static_cast<U32>(in.size() / 3);
  const Outcome outcome = run_body(body, in, {threads, 1, 3});
  INFO(texts(outcome.result));
  REQUIRE(outcome.result.completed);
  for (std::size_t i = 0; i < threads; ++i) {
    INFO("operands " << std::hex << in[3 * i] << ", " << in[3 * i + 1] << ", " << in[3 * i + 2] << " result "
                     << outcome.out[i]);
    check(&in[3 * i], outcome.out[i]);
  }
}
void equal_or_nan(double got, double want) {
  if (want != want)
    REQUIRE(got != got);
  else
    REQUIRE(bits(got) == bits(want));
}

const std::string from32 = " cvt.u64.u32 %r, %y0;";
const std::string from16 = " cvt.u32.u16 %y0, %h3; cvt.u64.u32 %r, %y0;";
const std::string from_float = " mov.b32 %y0, %e0; cvt.u64.u32 %r, %y0;";

std::vector<U64> floats_with_edges(U64 seed) {
  std::vector<U64> in = float_operands(seed, true, 128);
  const float edges[] = {0.0f,           -0.0f,    INFINITY, -INFINITY, NAN,           1e-40f,
                         65504.0f,       65519.9f, 65520.0f, 65536.0f,  -1e30f,        6.1e-5f,
                         5.97e-8f,       2.98e-8f, 3.39e38f, 3.4e38f,   2.5f,          3.5f,
                         -2.5f,          0.5f,     -0.5f,    1.5f,      4294967296.0f, 2147483648.0f,
                         -2147483648.0f, 9.3e18f,  1.9e19f,  255.5f,    256.0f};
  for (std::size_t i = 0; i < std::size(edges); ++i) in[3 * i] = bits(edges[i]);
  return in;
}

}  // namespace

// Broken: rounding of halves at ties, subnormals and overflow.
TEST_CASE("cvt between f32 and f16, bf16, tf32", "[instructions]") {
  for (U64 seed = 1; seed < 4; ++seed) {
    const std::vector<U64> in = floats_with_edges(seed);
    each("cvt.rn.f16.f32 %h3, %f0;" + from16, in,
         [](const U64* a, U64 r) { equal_or_nan(value_f16(r), nearest_f16(as_float(a[0]))); });
    each("cvt.rn.bf16.f32 %h3, %f0;" + from16, in,
         [](const U64* a, U64 r) { equal_or_nan(value_bf16(r), nearest_bf16(as_float(a[0]))); });
    each("cvt.rn.f16x2.f32 %y0, %f0, %f1;" + from32, in, [](const U64* a, U64 r) {
      equal_or_nan(value_f16(r >> 16), nearest_f16(as_float(a[0])));
      equal_or_nan(value_f16(r), nearest_f16(as_float(a[1])));
    });
    each("cvt.rn.bf16x2.f32 %y0, %f0, %f1;" + from32, in, [](const U64* a, U64 r) {
      equal_or_nan(value_bf16(r >> 16), nearest_bf16(as_float(a[0])));
      equal_or_nan(value_bf16(r), nearest_bf16(as_float(a[1])));
    });
    each("cvt.rn.relu.bf16x2.f32 %y0, %f0, %f1;" + from32, in, [](const U64* a, U64 r) {
      const float x = as_float(a[0]);
      equal_or_nan(value_bf16(r >> 16), nearest_bf16(x > 0 || x != x ? x : 0.0f));
    });
    each("cvt.rz.bf16x2.f32 %y0, %f0, %f1;" + from32, in, [](const U64* a, U64 r) {
      if (as_float(a[1]) == as_float(a[1])) REQUIRE((r & 0xffff) == a[1] >> 16);
    });
    // Ties away from zero, 10 bits of mantissa.
    each("cvt.rna.tf32.f32 %y0, %f0;" + from32, in, [](const U64* a, U64 r) {
      const double x = as_float(a[0]);
      if (!std::isfinite(x) || x == 0) return;
      const double step = std::ldexp(1.0, std::max(std::ilogb(x), -126) - 10);
      const double want = std::copysign(std::floor(std::fabs(x) / step + 0.5) * step, x);
      equal_or_nan(as_float(r), want > std::numeric_limits<float>::max() ? INFINITY : want);
    });
  }
  std::vector<U64> all(3 * 1024);
  for (U64 start = 0; start < 65536; start += 1024) {
    for (U64 i = 0; i < 1024; ++i) all[3 * i] = start + i;
    each("cvt.f32.f16 %e0, %h0;" + from_float, all,
         [](const U64* a, U64 r) { equal_or_nan(as_float(r), value_f16(a[0])); });
    if (start >= 2048) start += 8192;
  }
}

// Broken: rounding and clamping of floats to integers and back.
TEST_CASE("cvt between floats and integers", "[instructions]") {
  const std::vector<U64> in = floats_with_edges(9);
  const auto clamp = [](double x, double low, double high) {
    return x != x ? 0.0 : x < low ? low : x > high ? high : x;
  };
  each("cvt.rzi.s32.f32 %y0, %f0;" + from32, in, [=](const U64* a, U64 r) {
    REQUIRE(static_cast<S32>(r) ==
            static_cast<S32>(clamp(std::trunc(as_float(a[0])), -2147483648.0, 2147483647.0)));
  });
  each("cvt.rni.s32.f32 %y0, %f0;" + from32, in, [=](const U64* a, U64 r) {
    REQUIRE(static_cast<S32>(r) ==
            static_cast<S32>(clamp(std::nearbyint(as_float(a[0])), -2147483648.0, 2147483647.0)));
  });
  each("cvt.rmi.u32.f32 %y0, %f0;" + from32, in, [=](const U64* a, U64 r) {
    REQUIRE(r == static_cast<U64>(clamp(std::floor(as_float(a[0])), 0, 4294967295.0)));
  });
  each("cvt.rpi.f32.f32 %e0, %f0;" + from_float, in,
       [](const U64* a, U64 r) { equal_or_nan(as_float(r), std::ceil(as_float(a[0]))); });
  each("cvt.rni.f32.f32 %e0, %f0;" + from_float, in,
       [](const U64* a, U64 r) { equal_or_nan(as_float(r), std::nearbyint(as_float(a[0]))); });
  each("cvt.rzi.u8.f32 %y0, %f0;" + from32, in, [=](const U64* a, U64 r) {
    REQUIRE((r & 0xff) == static_cast<U64>(clamp(std::trunc(as_float(a[0])), 0, 255)));
  });
  each("cvt.sat.f32.f32 %e0, %f0;" + from_float, in, [](const U64* a, U64 r) {
    const float x = as_float(a[0]);
    REQUIRE(as_float(r) == (x > 0 ? std::fmin(x, 1.0f) : 0.0f));
  });
  const std::vector<U64> whole = edge_operands(77, 128);
  each("cvt.rn.f32.s32 %e0, %x0;" + from_float, whole,
       [](const U64* a, U64 r) { REQUIRE(as_float(r) == static_cast<float>(static_cast<S32>(a[0]))); });
  each("cvt.rn.f32.u32 %e0, %x0;" + from_float, whole,
       [](const U64* a, U64 r) { REQUIRE(as_float(r) == static_cast<float>(static_cast<U32>(a[0]))); });
  each("cvt.rn.f32.u64 %e0, %a0;" + from_float, whole,
       [](const U64* a, U64 r) { REQUIRE(as_float(r) == static_cast<float>(a[0])); });
  each("cvt.rn.f32.s64 %e0, %a0;" + from_float, whole,
       [](const U64* a, U64 r) { REQUIRE(as_float(r) == static_cast<float>(static_cast<S64>(a[0]))); });
  each("cvt.rz.f32.u32 %e0, %x0;" + from_float, whole, [](const U64* a, U64 r) {
    const double x = static_cast<U32>(a[0]), got = as_float(r);
    REQUIRE((got <= x && (x == 0 || std::nextafter(static_cast<float>(got), INFINITY) > x)));
  });
  each("cvt.rn.f64.s64 %d0, %a0; mov.b64 %r, %d0;", whole,
       [](const U64* a, U64 r) { REQUIRE(as_double(r) == static_cast<double>(static_cast<S64>(a[0]))); });
  each("cvt.rn.f32.f64 %e0, %g0;" + from_float, float_operands(3, false, 128),
       [](const U64* a, U64 r) { REQUIRE(as_float(r) == static_cast<float>(as_double(a[0]))); });
  each("cvt.s64.s32 %r, %x0;", whole,
       [](const U64* a, U64 r) { REQUIRE(static_cast<S64>(r) == static_cast<S32>(a[0])); });
  each("cvt.s32.s8 %y0, %x0;" + from32, whole,
       [](const U64* a, U64 r) { REQUIRE(static_cast<S32>(r) == static_cast<std::int8_t>(a[0])); });
  each("cvt.u32.u16 %y0, %h0;" + from32, whole, [](const U64* a, U64 r) { REQUIRE(r == (a[0] & 0xffff)); });
  each("cvt.s32.s16 %y0, %h0;" + from32, whole,
       [](const U64* a, U64 r) { REQUIRE(static_cast<S32>(r) == static_cast<std::int16_t>(a[0])); });
  each("cvt.sat.u8.s32 %y0, %x0;" + from32, whole, [](const U64* a, U64 r) {
    REQUIRE((r & 0xff) == static_cast<U64>(std::min(std::max(static_cast<S32>(a[0]), 0), 255)));
  });
  each("mov.b32 {%h3, %h4}, %x0; mov.b32 %y0, {%h4, %h3};" + from32, whole,
       [](const U64* a, U64 r) { REQUIRE(r == ((a[0] & 0xffff) << 16 | (a[0] >> 16 & 0xffff))); });
  each("mov.b64 {%y1, %y2}, %a0; mov.b64 %r, {%y2, %y1};", whole,
       [](const U64* a, U64 r) { REQUIRE(r == (a[0] << 32 | a[0] >> 32)); });
}

// Broken: a half's fma that is rounded twice, or mixes up its two halves.
TEST_CASE("arithmetic of f16x2 and bf16x2", "[instructions]") {
  for (const bool bf16 : {false, true}) {
    const std::string type = bf16 ? "bf16x2" : "f16x2", single = bf16 ? "bf16" : "f16";
    const auto value = [=](U64 h) { return bf16 ? value_bf16(h) : value_f16(h & 0xffff); };
    // x y + z: long double has 64 bits, enough for these formats' near exponents.
    const auto rounded = [=](double x) { return bf16 ? nearest_bf16(x) : nearest_f16(x); };
    for (U64 seed = 1; seed < 6; ++seed) {
      std::vector<U64> in = float_operands(seed, true, 128);
      for (U64& a : in) {
        const U64 low = a >> 16, other = (a * 2654435761u) >> 5;
        if (bf16) {
          a = low << 16 | ((low ^ (other & 0x1ff)) & 0xffff);
        } else {
          // Exponents around one.
          const auto half = [](U64 x) { return (x & 0x83ff) | (10 + (x >> 10) % 12) << 10; };
          a = half(other & 0xffff) << 16 | half(other >> 16 & 0xffff);
        }
      }
      const auto pairs = [&](const std::string& body,
                             const std::function<double(double, double, double)>& expect) {
        each(body + from32, in, [&](const U64* a, U64 r) {
          for (int shift : {0, 16})
            equal_or_nan(value(r >> shift & 0xffff),
                         rounded(expect(value(a[0] >> shift & 0xffff), value(a[1] >> shift & 0xffff),
                                        value(a[2] >> shift & 0xffff))));
        });
      };
      const auto exact_fma = [](double a, double b, double c) {
        const long double sum = static_cast<long double>(a) * b + c;
        return static_cast<double>(sum);
      };
      pairs("fma.rn." + type + " %y0, %x0, %x1, %x2;", exact_fma);
      pairs("min." + type + " %y0, %x0, %x1;", [](double a, double b, double) { return std::fmin(a, b); });
      pairs("max." + type + " %y0, %x0, %x1;", [](double a, double b, double) { return std::fmax(a, b); });
      pairs("neg." + type + " %y0, %x0;", [](double a, double, double) { return -a; });
      pairs("abs." + type + " %y0, %x0;", [](double a, double, double) { return std::fabs(a); });
      pairs("fma.rn.relu." + type + " %y0, %x0, %x1, %x2;",
            [=](double a, double b, double c) { return std::fmax(exact_fma(a, b, c), 0.0); });
      if (!bf16) {
        pairs("add.f16x2 %y0, %x0, %x1;", [](double a, double b, double) { return a + b; });
        pairs("mul.f16x2 %y0, %x0, %x1;", [](double a, double b, double) { return a * b; });
        pairs("sub.f16x2 %y0, %x0, %x1;", [](double a, double b, double) { return a - b; });
      }
      each("fma.rn." + single + " %h3, %h0, %h1, %h2;" + from16, in, [&](const U64* a, U64 r) {
        equal_or_nan(value(r),
                     rounded(exact_fma(value(a[0] & 0xffff), value(a[1] & 0xffff), value(a[2] & 0xffff))));
      });
    }
  }
}
