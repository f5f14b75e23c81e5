// f16, bf16 and tf32 as f32 and back. Included by foreach_isa.h's files. Branches are selects, for the
// vectoriser.

AGON_SIMT_INLINE std::uint32_t bits_of(float a) {
  return std::bit_cast<std::uint32_t>(a);
}
AGON_SIMT_INLINE float float_of(std::uint32_t a) {
  return std::bit_cast<float>(a);
}

AGON_SIMT_INLINE float from_bf16(std::uint32_t a) {
  return float_of(a << 16);
}
AGON_SIMT_INLINE float from_f16(std::uint32_t a) {
  const std::uint32_t sign = (a & 0x8000) << 16, magnitude = a & 0x7fff;
  // Scaling by 2^112 moves the exponent's bias, and normalises subnormals.
  const float scaled = float_of(magnitude << 13) * float_of(0x77800000u);
  const std::uint32_t bits = magnitude >= 0x7c00 ? (magnitude << 13) | 0x7f800000u : bits_of(scaled);
  return float_of(bits | sign);
}

// To nearest, ties to even; NaN is 0x7fff in both formats.
AGON_SIMT_INLINE std::uint32_t to_bf16(float a) {
  const std::uint32_t bits = bits_of(a);
  const std::uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return a != a ? 0x7fff : nearest;
}
AGON_SIMT_INLINE std::uint32_t to_f16(float a) {
  const std::uint32_t bits = bits_of(a), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  // Subnormals: the addition rounds at the right place.
  const std::uint32_t small = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  const std::uint32_t normal = (magnitude - 0x38000000u + 0xfff + (magnitude >> 13 & 1)) >> 13;
  const std::uint32_t finite = magnitude < 0x38800000u ? small : normal;
  const std::uint32_t result = magnitude >= 0x477ff000u ? 0x7c00 : finite;
  return magnitude > 0x7f800000u ? 0x7fff : result | sign;
}
// Toward zero: what is dropped is dropped, an overflow is the largest number.
AGON_SIMT_INLINE std::uint32_t to_bf16_rz(float a) {
  return a != a ? 0x7fff : bits_of(a) >> 16;
}
AGON_SIMT_INLINE std::uint32_t to_f16_rz(float a) {
  const std::uint32_t bits = bits_of(a), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  const std::uint32_t small = static_cast<std::uint32_t>(float_of(magnitude) * 16777216.0f);  // 2^24
  const std::uint32_t normal = (magnitude - 0x38000000u) >> 13;
  const std::uint32_t finite = magnitude < 0x38800000u ? small : normal;
  const std::uint32_t result = magnitude == 0x7f800000u ? 0x7c00 : magnitude >= 0x47800000u ? 0x7bff : finite;
  return magnitude > 0x7f800000u ? 0x7fff : result | sign;
}

// To the 19 bits of tf32, ties away from zero (cvt.rna).
AGON_SIMT_INLINE std::uint32_t to_tf32(float a) {
  const std::uint32_t bits = bits_of(a);
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
  return finite ? (bits + 0x1000) & 0xffffe000u : a != a ? 0x7fffffff : bits;
}

// Rounded to odd: a later rounding to few bits is then as if from the exact value.
AGON_SIMT_INLINE double sum_to_odd(double a, double b) {
  const double sum = a + b, virtual_b = sum - a;
  const double error = (a - (sum - virtual_b)) + (b - virtual_b);
  const auto bits = std::bit_cast<std::uint64_t>(sum);
  const bool outward = (error > 0) == (sum > 0);
  const bool inexact = error != 0 && error == error && !(bits & 1);
  return std::bit_cast<double>(inexact ? (outward ? bits + 1 : bits - 1) : bits);
}
AGON_SIMT_INLINE float to_odd(double a) {
  const float nearest = static_cast<float>(a);
  const double error = a - static_cast<double>(nearest);
  const std::uint32_t bits = bits_of(nearest);
  const bool outward = (error > 0) == (a > 0);
  const bool inexact = error != 0 && error == error && !(bits & 1);
  return float_of(inexact ? (outward ? bits + 1 : bits - 1) : bits);
}

// The two formats of 16 bits, as types.
struct F16 {
  static constexpr std::uint32_t nan = 0x7fff, one = 0x3c00, infinity = 0x7c00;
  static float widen(std::uint32_t a) { return from_f16(a); }
  static std::uint32_t narrow(float a) { return to_f16(a); }
};
struct Bf16 {
  static constexpr std::uint32_t nan = 0x7fff, one = 0x3f80, infinity = 0x7f80;
  static float widen(std::uint32_t a) { return from_bf16(a); }
  static std::uint32_t narrow(float a) { return to_bf16(a); }
};
