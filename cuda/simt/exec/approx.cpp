#include "cuda/simt/exec/approx.h"

#include <bit>
#include <cmath>
#include <limits>

#include "cuda/simt/exec/convert.h"

namespace agon::simt {

namespace {

// In [-1, 1), the same for the same function, argument and seed.
double noise(Function function, std::uint64_t argument, std::uint64_t seed) {
  std::uint64_t z =
      argument * 0x9e3779b97f4a7c15ull + seed * 0xd1342543de82ef95ull + static_cast<std::uint64_t>(function);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return static_cast<double>(static_cast<std::int64_t>(z)) * 0x1p-63;
}

float flushed(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x;
}

double exact(Function function, double x) {
  switch (function) {
    case Function::ex2:
      return std::exp2(x);
    case Function::lg2:
      return std::log2(x);
    case Function::sin:
      return std::sin(x);
    case Function::cos:
      return std::cos(x);
    case Function::tanh:
      return std::tanh(x);
    case Function::rcp:
      return 1 / x;
    case Function::rsqrt:
      return x < 0 ? std::numeric_limits<double>::quiet_NaN() : std::copysign(1 / std::sqrt(std::fabs(x)), x);
    case Function::sqrt:
      return std::sqrt(x);
  }
  return 0;
}

// The largest error before the result is rounded to f32, which adds up to half a unit: 2^-24 of the result.
double allowed(Function function, double x, double y) {
  constexpr double half_unit = 0x1p-24;
  switch (function) {
    case Function::ex2:
      return (std::exp2(-22.5) - half_unit) * std::fabs(y);
    case Function::lg2: {
      const double bound = std::exp2(-22.6);
      return x > 0.5 && x < 2 ? bound - half_unit * std::fabs(y) : (bound - half_unit) * std::fabs(y);
    }
    case Function::sin:
    case Function::cos:
      return (std::exp2(-20.9) - half_unit) * std::fmax(1.0, std::fabs(x) / 3.141592653589793);
    case Function::tanh:
      return (0x1p-11 - half_unit) * std::fabs(y);
    // Half a unit is left where the mantissa is largest: 2^-25 of the result.
    case Function::rcp:
      return 0x1p-25 * std::fabs(y);
    case Function::rsqrt:
      return (std::exp2(-22.9) - half_unit) * std::fabs(y);
    case Function::sqrt:
      return (0x1p-23 - half_unit) * std::fabs(y);
  }
  return 0;
}

// What has no error: results that the manual lists for special arguments, and powers of two.
bool special(Function function, double x, double y) {
  if (x == 0 || std::isinf(x) || y != y || std::isinf(y) || y == 0) return true;
  // Powers of two are exact on every device; the routines for exp and tanh of doubles rely on it.
  if (function == Function::ex2) return x == std::nearbyint(x);
  return function == Function::lg2 && x == 1;
}

}  // namespace

float approximate(Function function, float x, bool ftz, std::uint64_t seed) {
  // lg2, rcp, sqrt and the others take subnormals as they are unless .ftz.
  if (ftz) x = flushed(x);
  double y = exact(function, x);
  if (y != y) return std::bit_cast<float>(0x7fffffffu);
  if (!special(function, x, y)) {
    y += allowed(function, x, y) * noise(function, std::bit_cast<std::uint32_t>(x), seed);
    // Bounded functions stay within their bounds.
    if (function == Function::sin || function == Function::cos || function == Function::tanh)
      y = std::fmin(1.0, std::fmax(-1.0, y));
  }
  const auto result = static_cast<float>(y);
  return ftz ? flushed(result) : result;
}

float approximate_quotient(float a, float b, bool ftz, std::uint64_t seed) {
  if (ftz) a = flushed(a), b = flushed(b);
  double y = static_cast<double>(a) / b;
  if (y != y) return std::bit_cast<float>(0x7fffffffu);
  if (y != 0 && !std::isinf(y)) {
    const std::uint64_t both =
        std::uint64_t{std::bit_cast<std::uint32_t>(a)} << 32 | std::bit_cast<std::uint32_t>(b);
    // 1.5 units where a unit is smallest, 2^-24 of the result, and half a unit by the rounding.
    y += 1.5 * 0x1p-24 * std::fabs(y) * noise(Function::rcp, both, seed);
  }
  const auto result = static_cast<float>(y);
  return ftz ? flushed(result) : result;
}

double approximate(Function function, double x) {
  if (std::fabs(x) < std::numeric_limits<double>::min()) x = std::copysign(0.0, x);
  const double y = exact(function, x);
  const auto bits = std::bit_cast<std::uint64_t>(y);
  if (y != y) return y;
  return std::bit_cast<double>(bits & 0xffffffff00000000ull);
}

std::uint32_t approximate_half(Function function, bool bf16, std::uint32_t x, std::uint64_t seed) {
  const Type type = bf16 ? Type::bf16 : Type::f16;
  const double a = number_of(type, x);
  double y = exact(function, a);
  if (y == y && !special(function, a, y)) {
    // Half a unit goes to the rounding: 2^-11 of the result for f16, 2^-8 for bf16.
    const double bound =
        function == Function::tanh ? (bf16 ? 0x1p-8 : std::exp2(-10.98)) : (bf16 ? 0x1p-7 : std::exp2(-9.9));
    const double rounding = bf16 ? 0x1p-8 : 0x1p-11;
    y += std::fmax(bound - rounding, 0.0) * std::fabs(y) * noise(function, x, seed);
    if (function == Function::tanh) y = std::fmin(1.0, std::fmax(-1.0, y));
  }
  return static_cast<std::uint32_t>(round_to(type, y, Rounding::rn));
}

}  // namespace agon::simt
