// Floating-point instructions: bit by bit where they are rounded, within the manual's bounds where they
// approximate.
#include <cfenv>
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

// Runs `body` on floats of many magnitudes and hands each thread's operands and result to `judge`.
void judge(const std::string& body, bool single, const std::function<void(const U64*, U64)>& judge_one,
           const std::function<void(std::vector<U64>&)>& shape_operands = {}) {
  INFO(body);
  for (U64 seed = 1; seed <= 4; ++seed) {
    std::vector<U64> in = float_operands(seed * 104729, single, 64);
    if (seed == 1) {
      // Edges among them: zeros, infinities, NaN, a subnormal, one.
      const double edges[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1.0};
      for (std::size_t i = 0; i < 36; ++i) {
        in[3 * i] = single ? bits(static_cast<float>(edges[i % 6])) : bits(edges[i % 6]);
        in[3 * i + 1] = single ? bits(static_cast<float>(edges[i / 6])) : bits(edges[i / 6]);
      }
      in[3 * 40] = single ? 1u : 1ull;
    }
    if (shape_operands) shape_operands(in);
    const Outcome outcome = run_body(body, in, {64, 1, seed});
    INFO(texts(outcome.result));
    REQUIRE(outcome.result.completed);
    for (std::size_t i = 0; i < 64; ++i) {
      INFO("operands " << std::hex << in[3 * i] << ", " << in[3 * i + 1] << ", " << in[3 * i + 2]
                       << " result " << outcome.out[i]);
      judge_one(&in[3 * i], outcome.out[i]);
    }
  }
}

// Results of f32: `expect` gives the exact one; any NaN equals any other.
void same32(const std::string& body, const std::function<float(float, float, float)>& expect) {
  judge(body + " mov.b32 %y0, %e0; cvt.u64.u32 %r, %y0;", true, [&](const U64* in, U64 out) {
    const float want = expect(as_float(in[0]), as_float(in[1]), as_float(in[2])), got = as_float(out);
    if (want != want)
      REQUIRE(got != got);
    else
      REQUIRE(bits(got) == bits(want));
  });
}
void same64(const std::string& body, const std::function<double(double, double, double)>& expect) {
  judge(body + " mov.b64 %r, %d0;", false, [&](const U64* in, U64 out) {
    const double want = expect(as_double(in[0]), as_double(in[1]), as_double(in[2])), got = as_double(out);
    if (want != want)
      REQUIRE(got != got);
    else
      REQUIRE(bits(got) == bits(want));
  });
}

template <class F>
auto with_rounding(int mode, F f) {
  return [mode, f](auto a, auto b, auto c) {
    volatile auto x = a, y = b, z = c;
    std::fesetround(mode);
    volatile auto r = f(x, y, z);
    std::fesetround(FE_TONEAREST);
    return static_cast<decltype(a)>(r);
  };
}

float flush(float a) {
  return std::fabs(a) < std::numeric_limits<float>::min() ? std::copysign(0.0f, a) : a;
}

}  // namespace

// Broken: a product that is rounded before it is added; a rounding mode that is ignored.
TEST_CASE("add, sub, mul, fma, div, rcp, sqrt of f32", "[instructions]") {
  same32("add.f32 %e0, %f0, %f1;", [](float a, float b, float) { return a + b; });
  same32("sub.f32 %e0, %f0, %f1;", [](float a, float b, float) { return a - b; });
  same32("mul.f32 %e0, %f0, %f1;", [](float a, float b, float) { return a * b; });
  same32("fma.rn.f32 %e0, %f0, %f1, %f2;", [](float a, float b, float c) { return std::fma(a, b, c); });
  same32("neg.f32 %e1, %f2; fma.rn.f32 %e0, %f2, %f2, %e1;",
         [](float, float, float c) { return std::fma(c, c, -c); });
  same32("mul.f32 %e1, %f0, %f1; neg.f32 %e2, %e1; fma.rn.f32 %e0, %f0, %f1, %e2;",
         [](float a, float b, float) {
           const float product = a * b;
           return std::fma(a, b, -product);
         });
  same32("div.rn.f32 %e0, %f0, %f1;", [](float a, float b, float) { return a / b; });
  same32("rcp.rn.f32 %e0, %f0;", [](float a, float, float) { return 1 / a; });
  same32("sqrt.rn.f32 %e0, %f0;", [](float a, float, float) { return std::sqrt(a); });
  const std::pair<const char*, int> modes[] = {{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};
  for (const auto& [name, mode] : modes) {
    const std::string n = name;
    same32("add." + n + ".f32 %e0, %f0, %f1;",
           with_rounding(mode, [](float a, float b, float) { return a + b; }));
    same32("mul." + n + ".f32 %e0, %f0, %f1;",
           with_rounding(mode, [](float a, float b, float) { return a * b; }));
    same32("fma." + n + ".f32 %e0, %f0, %f1, %f2;",
           with_rounding(mode, [](float a, float b, float c) { return std::fma(a, b, c); }));
    same32("div." + n + ".f32 %e0, %f0, %f1;",
           with_rounding(mode, [](float a, float b, float) { return a / b; }));
    same32("sqrt." + n + ".f32 %e0, %f0;",
           with_rounding(mode, [](float a, float, float) { return std::sqrt(a); }));
    same64("fma." + n + ".f64 %d0, %g0, %g1, %g2;",
           with_rounding(mode, [](double a, double b, double c) { return std::fma(a, b, c); }));
  }
  same32("add.sat.f32 %e0, %f0, %f1;", [](float a, float b, float) {
    const float sum = a + b;
    return sum > 0 ? std::fmin(sum, 1.0f) : 0.0f;
  });
  same32("mul.ftz.f32 %e0, %f0, %f1;", [](float a, float b, float) { return flush(flush(a) * flush(b)); });
}

// Broken: which of two operands wins, with NaN and signed zeros among them.
TEST_CASE("min, max, abs, neg, copysign, testp, setp of floats", "[instructions]") {
  const auto smaller = [](float a, float b) {
    if (a != a) return b;
    if (b != b) return a;
    return a < b || (a == b && std::signbit(a)) ? a : b;
  };
  same32("min.f32 %e0, %f0, %f1;", [=](float a, float b, float) { return smaller(a, b); });
  same32("max.f32 %e0, %f0, %f1;", [=](float a, float b, float) { return -smaller(-a, -b); });
  same32("max.NaN.f32 %e0, %f0, %f1;",
         [=](float a, float b, float) { return a != a || b != b ? NAN : -smaller(-a, -b); });
  same32("abs.f32 %e0, %f0;", [](float a, float, float) { return std::fabs(a); });
  same32("neg.f32 %e0, %f0;", [](float a, float, float) { return -a; });
  same32("copysign.f32 %e0, %f0, %f1;", [](float a, float b, float) { return std::copysign(b, a); });
  same64("max.f64 %d0, %g0, %g1;", [](double a, double b, double) {
    if (a != a) return b;
    if (b != b) return a;
    return a > b || (a == b && std::signbit(b)) ? a : b;
  });
  const auto flag = [](const std::string& test, const std::function<bool(float, float)>& expect) {
    judge(test + " selp.b64 %r, 1, 0, %p0;", true,
          [&](const U64* in, U64 out) { REQUIRE(out == U64{expect(as_float(in[0]), as_float(in[1]))}); });
  };
  flag("setp.lt.f32 %p0, %f0, %f1;", [](float a, float b) { return a < b; });
  flag("setp.ne.f32 %p0, %f0, %f1;", [](float a, float b) { return a == a && b == b && a != b; });
  flag("setp.neu.f32 %p0, %f0, %f1;", [](float a, float b) { return a != b; });
  flag("setp.geu.f32 %p0, %f0, %f1;", [](float a, float b) { return !(a < b); });
  flag("setp.num.f32 %p0, %f0, %f1;", [](float a, float b) { return a == a && b == b; });
  flag("setp.nan.f32 %p0, %f0, %f1;", [](float a, float b) { return a != a || b != b; });
  flag("testp.finite.f32 %p0, %f0;", [](float a, float) { return std::isfinite(a); });
  flag("testp.subnormal.f32 %p0, %f0;", [](float a, float) { return std::fpclassify(a) == FP_SUBNORMAL; });
  same32("slct.f32.f32 %e0, %f0, %f1, %f2;", [](float a, float b, float c) { return c >= 0 ? a : b; });
}

// Broken: arithmetic of f64.
TEST_CASE("add, sub, mul, fma, div, sqrt of f64", "[instructions]") {
  same64("add.f64 %d0, %g0, %g1;", [](double a, double b, double) { return a + b; });
  same64("sub.f64 %d0, %g0, %g1;", [](double a, double b, double) { return a - b; });
  same64("mul.f64 %d0, %g0, %g1;", [](double a, double b, double) { return a * b; });
  same64("fma.rn.f64 %d0, %g0, %g1, %g2;", [](double a, double b, double c) { return std::fma(a, b, c); });
  same64("div.rn.f64 %d0, %g0, %g1;", [](double a, double b, double) { return a / b; });
  same64("sqrt.rn.f64 %d0, %g0;", [](double a, double, double) { return std::sqrt(a); });
  same64("rcp.rn.f64 %d0, %g0;", [](double a, double, double) { return 1 / a; });
}

// Broken: an approximation that is exact (a test may lean on it) or worse than the manual allows.
TEST_CASE("approximate functions err within their bounds", "[instructions]") {
  int wrong = 0, all = 0;
  // `bound` is absolute, of the exact result for x.
  const auto within = [&](const std::string& body, const std::function<double(double)>& exact,
                          const std::function<double(double, double)>& bound, double low, double high) {
    judge(
        body + " mov.b32 %y0, %e0; cvt.u64.u32 %r, %y0;", true,
        [&](const U64* in, U64 out) {
          const double x = as_float(in[0]), want = exact(x), got = as_float(out);
          REQUIRE(std::fabs(got - want) <= bound(x, want));
          wrong += static_cast<float>(want) != as_float(out);
          ++all;
        },
        [&](std::vector<U64>& in) {
          for (std::size_t i = 0; i < in.size(); ++i) {
            const double t = static_cast<double>((i * 2654435761u) % 10007) / 10007;
            in[i] = bits(static_cast<float>(low + (high - low) * t));
          }
        });
  };
  const auto relative = [](double limit) {
    return [limit](double, double y) { return limit * std::fabs(y); };
  };
  within(
      "ex2.approx.f32 %e0, %f0;", [](double x) { return std::exp2(x); }, relative(std::exp2(-22.5)), -20, 20);
  within(
      "ex2.approx.ftz.f32 %e0, %f0;", [](double x) { return std::exp2(x); }, relative(std::exp2(-22.5)), -20,
      20);
  within(
      "lg2.approx.f32 %e0, %f0;", [](double x) { return std::log2(x); },
      [](double x, double y) { return std::exp2(-22.6) * (x > 0.5 && x < 2 ? 1 : std::fabs(y)); }, 0.1, 9);
  within(
      "sin.approx.f32 %e0, %f0;", [](double x) { return std::sin(x); },
      [](double, double) { return std::exp2(-20.9); }, -3.1, 3.1);
  within(
      "cos.approx.f32 %e0, %f0;", [](double x) { return std::cos(x); },
      [](double, double) { return std::exp2(-20.9); }, -3.1, 3.1);
  within(
      "tanh.approx.f32 %e0, %f0;", [](double x) { return std::tanh(x); }, relative(0x1p-11), -4, 4);
  within(
      "rsqrt.approx.f32 %e0, %f0;", [](double x) { return 1 / std::sqrt(x); }, relative(std::exp2(-22.9)),
      0.01, 50);
  within(
      "sqrt.approx.f32 %e0, %f0;", [](double x) { return std::sqrt(x); }, relative(0x1p-23), 0.01, 50);
  const auto unit = [](double y) { return std::ldexp(1.0, std::ilogb(y) - 23); };
  within(
      "rcp.approx.f32 %e0, %f0;", [](double x) { return 1 / x; }, [=](double, double y) { return unit(y); },
      0.01, 50);
  within(
      "div.approx.f32 %e0, 0f3FC00000, %f0;", [](double x) { return 1.5 / x; },
      [=](double, double y) { return 2 * unit(y); }, 0.01, 50);
  within(
      "div.full.f32 %e0, 0f3FC00000, %f0;", [](double x) { return 1.5 / x; },
      [=](double, double y) { return 2 * unit(y); }, 0.01, 50);
  CHECK(wrong > all / 4);
  same32("ex2.approx.f32 %e0, 0f00000000;", [](float, float, float) { return 1.0f; });
  same32("rcp.approx.f32 %e0, 0f80000000;", [](float, float, float) { return -INFINITY; });
  same32("lg2.approx.f32 %e0, 0f00000000;", [](float, float, float) { return -INFINITY; });
  same32("tanh.approx.f32 %e0, 0fFF800000;", [](float, float, float) { return -1.0f; });
}

// Broken: another seed gives the same errors, or one seed different ones for the same argument.
TEST_CASE("errors of approximations follow the seed", "[instructions]") {
  std::vector<U64> in = float_operands(5, true, 64);
  for (std::size_t i = 0; i < 32; ++i) in[3 * (32 + i)] = in[3 * i];
  const std::string body = "ex2.approx.f32 %e0, %f0; mov.b32 %y0, %e0; cvt.u64.u32 %r, %y0;";
  const Outcome one = run_body(body, in, {64, 1, 1}), two = run_body(body, in, {64, 1, 2});
  REQUIRE(one.out != two.out);
  for (std::size_t i = 0; i < 32; ++i) REQUIRE(one.out[i] == one.out[32 + i]);
}
