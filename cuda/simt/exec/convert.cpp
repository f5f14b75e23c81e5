#include "cuda/simt/exec/convert.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "cuda/simt/ptx/types.h"

namespace agon::simt {

namespace {

struct Format {
  int bits;      // of the whole number
  int mantissa;  // stored bits of it
  int exponent;  // bits
  std::uint64_t nan;
  int shift;  // the stored number's distance from the register's low end (tf32 lies in the high 19 bits)
};
Format format_of(Type type) {
  switch (type) {
    case Type::f16:
      return {16, 10, 5, 0x7fff, 0};
    case Type::bf16:
      return {16, 7, 8, 0x7fff, 0};
    case Type::tf32:
      return {19, 10, 8, 0x7fffffff, 13};
    case Type::f32:
      return {32, 23, 8, 0x7fffffff, 0};
    default:
      return {64, 52, 11, 0x7fffffffffffffff, 0};
  }
}

bool is_real(Type type) {
  return ptx::is_float(type) || ptx::is_half(type);
}
int bits_of(Type type) {
  return static_cast<int>(ptx::type_bits(type));
}

// How the part of a magnitude that is cut off rounds it: `kept` its last bit, `half` compares the rest with
// one half of it (-1, 0, 1), `rest` whether there is any.
bool rounds_up(Rounding rounding, bool negative, bool odd, int half, bool rest) {
  switch (rounding) {
    case Rounding::rz:
    case Rounding::rzi:
      return false;
    case Rounding::rm:
    case Rounding::rmi:
      return negative && rest;
    case Rounding::rp:
    case Rounding::rpi:
      return !negative && rest;
    case Rounding::rna:
      return rest && half >= 0;
    default:
      return half > 0 || (half == 0 && rest && odd);
  }
}

// A magnitude m * 2^e with a sign, rounded to a format.
std::uint64_t assemble(const Format& f, bool negative, __uint128_t m, int e, Rounding rounding) {
  const std::uint64_t sign = std::uint64_t{negative} << (f.bits - 1);
  const int bias = (1 << (f.exponent - 1)) - 1;
  if (m == 0) return sign;
  const int high = static_cast<std::uint64_t>(m >> 64)
                       ? 127 - std::countl_zero(static_cast<std::uint64_t>(m >> 64))
                       : 63 - std::countl_zero(static_cast<std::uint64_t>(m));
  // The last bit that can be kept stands for 2^unit.
  const int unit = std::max(high + e, 1 - bias) - f.mantissa;
  const int cut = unit - e;
  __uint128_t kept = m;
  if (cut > 0) {
    kept = cut < 128 ? m >> cut : 0;
    const __uint128_t rest = cut < 128 ? m - (kept << cut) : m;
    int half = -1;
    if (cut <= 128) {
      const __uint128_t middle = static_cast<__uint128_t>(1) << (cut - 1);
      half = rest > middle ? 1 : rest == middle ? 0 : -1;
    }
    if (rounds_up(rounding, negative, kept & 1, half, rest != 0)) ++kept;
  } else {
    kept = m << -cut;
  }
  // Adding the mantissa with its leading one to the exponent below carries where rounding has filled it.
  const auto mantissa = static_cast<std::uint64_t>(kept);
  const int biased = unit + f.mantissa + bias;
  const std::uint64_t one = std::uint64_t{1} << f.mantissa;
  std::uint64_t magnitude =
      mantissa < one ? mantissa : mantissa - one + (static_cast<std::uint64_t>(biased) << f.mantissa);
  const std::uint64_t infinity = ((std::uint64_t{1} << f.exponent) - 1) << f.mantissa;
  if (magnitude >= infinity || biased >= (1 << f.exponent) - 1) {
    const bool away = rounds_up(rounding, negative, true, 1, true);
    magnitude = away ? infinity : infinity - 1;
  }
  return sign | magnitude;
}

// An integral double from a double, by a rounding to integers.
double integral(double x, Rounding rounding) {
  switch (rounding) {
    case Rounding::rni: {
      const double down = std::floor(x), rest = x - down;
      return rest > 0.5 || (rest == 0.5 && std::fmod(down, 2) != 0) ? std::copysign(down + 1, x)
                                                                    : std::copysign(down, x);
    }
    case Rounding::rmi:
      return std::floor(x);
    case Rounding::rpi:
      return std::ceil(x);
    default:
      return std::trunc(x);
  }
}

bool to_integer(Rounding rounding) {
  return rounding == Rounding::rni || rounding == Rounding::rzi || rounding == Rounding::rmi ||
         rounding == Rounding::rpi;
}

std::uint64_t truncated(std::uint64_t value, int bits) {
  return bits == 64 ? value : value & ((1ull << bits) - 1);
}

// Float to integer clamps; NaN is 0 (0x80.. for 64 bits from f32 and f64, as NVIDIA's processors give).
std::uint64_t integer_from(Type to, double x, Rounding rounding) {
  const int bits = bits_of(to);
  if (x != x) return bits == 64 ? std::uint64_t{1} << 63 : 0;
  const double whole = integral(x, rounding);
  const double high = std::ldexp(1.0, ptx::is_signed(to) ? bits - 1 : bits),
               low = ptx::is_signed(to) ? -high : 0;
  if (whole >= high)
    return ptx::is_signed(to) ? (std::uint64_t{1} << (bits - 1)) - 1 : truncated(~std::uint64_t{0}, bits);
  if (whole < low) return ptx::is_signed(to) ? std::uint64_t{1} << (bits - 1) : 0;
  return truncated(ptx::is_signed(to) ? static_cast<std::uint64_t>(static_cast<std::int64_t>(whole))
                                      : static_cast<std::uint64_t>(whole),
                   bits);
}

std::uint64_t saturate_integer(Type to, bool from_signed, std::uint64_t value) {
  const int bits = bits_of(to);
  const auto as_signed = static_cast<std::int64_t>(value);
  const bool negative = from_signed && as_signed < 0;
  const std::uint64_t highest =
      ptx::is_signed(to) ? (std::uint64_t{1} << (bits - 1)) - 1 : truncated(~std::uint64_t{0}, bits);
  if (negative) {
    if (!ptx::is_signed(to)) return 0;
    const std::int64_t lowest = -static_cast<std::int64_t>(highest) - 1;
    return truncated(static_cast<std::uint64_t>(std::max(as_signed, lowest)), bits);
  }
  return truncated(std::min(value, highest), bits);
}

}  // namespace

double number_of(Type format, std::uint64_t bits) {
  if (format == Type::f64) return std::bit_cast<double>(bits);
  if (format == Type::f32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  const Format f = format_of(format);
  bits >>= f.shift;
  const bool negative = bits >> (f.bits - 1) & 1;
  const std::uint64_t mantissa = bits & ((std::uint64_t{1} << f.mantissa) - 1);
  const int exponent = static_cast<int>(bits >> f.mantissa & ((1u << f.exponent) - 1)),
            top = (1 << f.exponent) - 1;
  const int bias = top >> 1;
  double value;
  if (exponent == top)
    value = mantissa ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(static_cast<double>(mantissa), 1 - bias - f.mantissa);
  else
    value = std::ldexp(static_cast<double>(mantissa | std::uint64_t{1} << f.mantissa),
                       exponent - bias - f.mantissa);
  return negative ? -value : value;
}

std::uint64_t round_to(Type format, double value, Rounding rounding) {
  const Format f = format_of(format);
  if (value != value) return f.nan;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const bool negative = bits >> 63;
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  const std::uint64_t mantissa = bits & 0xfffffffffffffull;
  std::uint64_t result;
  if (exponent == 0x7ff)
    result = std::uint64_t{negative} << (f.bits - 1) | ((std::uint64_t{1} << f.exponent) - 1) << f.mantissa;
  else if (exponent == 0)
    result = assemble(f, negative, mantissa, -1074, rounding);
  else
    result = assemble(f, negative, mantissa | std::uint64_t{1} << 52, exponent - 1075, rounding);
  return result << f.shift;
}

std::uint64_t convert(const Instruction& cvt, std::uint64_t value) {
  const Type to = cvt.type, from = cvt.source_type;
  const bool sat = cvt.flags & flag_saturate, ftz = cvt.flags & flag_ftz;
  if (is_real(from)) {
    double x = number_of(from, value);
    if (ftz && from == Type::f32 && std::fabs(x) < std::numeric_limits<float>::min())
      x = std::copysign(0.0, x);
    if (!is_real(to)) return integer_from(to, x, cvt.rounding);
    if (to_integer(cvt.rounding) && x == x && std::isfinite(x))
      x = std::copysign(integral(x, cvt.rounding), x);
    if (cvt.flags & flag_relu && x <= 0) x = 0;
    if (sat) x = x > 0 ? std::min(x, 1.0) : 0;  // NaN becomes 0
    std::uint64_t result = round_to(to, x, cvt.rounding);
    if (ftz && to == Type::f32 && !(result & 0x7f800000)) result &= 0x80000000;
    return result;
  }
  // Integers: the source is extended by its own signedness.
  const int bits = bits_of(from);
  value = truncated(value, bits);
  if (ptx::is_signed(from) && bits < 64 && value >> (bits - 1)) value |= ~((std::uint64_t{1} << bits) - 1);
  const bool negative = ptx::is_signed(from) && static_cast<std::int64_t>(value) < 0;
  if (is_real(to)) {
    const std::uint64_t magnitude = negative ? 0 - value : value;
    const Format f = format_of(to);
    std::uint64_t result = assemble(f, negative && magnitude, magnitude, 0, cvt.rounding) << f.shift;
    if (sat) result = round_to(to, std::clamp(number_of(to, result), 0.0, 1.0), Rounding::rn);
    return result;
  }
  return sat ? saturate_integer(to, ptx::is_signed(from), value) : truncated(value, bits_of(to));
}

}  // namespace agon::simt
