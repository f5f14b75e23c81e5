#pragma once
#include <cstdint>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/isa.h"

/// Elementary functions without branches, so that loops over them vectorise (at -O3 -fno-trapping-math
/// -fno-math-errno). Errors are bounds seen in sweeps of the whole range, in units of the last place.
namespace agon::cpu::vm {

template <class To, class From>
AGON_INLINE To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof(to));
  return to;
}

AGON_INLINE float abs(float x) {
  return bits_as<float>(bits_as<int32_t>(x) & 0x7fffffff);
}

/// |magnitude| with the sign of `sign`.
AGON_INLINE float copysign(float magnitude, float sign) {
  return bits_as<float>((bits_as<int32_t>(magnitude) & 0x7fffffff) |
                        (bits_as<int32_t>(sign) & static_cast<int32_t>(0x80000000)));
}

/// x = n ln 2 + r with |r| <= ln 2 / 2: r, and n as float and as integer.
struct ReducedExp {
  float r;
  int32_t n;
};
AGON_INLINE ReducedExp reduce_exp(float x) {
  constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer kept in the low bits
  const float shifted = x * 1.44269504088896341f + magic;
  const float n = shifted - magic;
  return {(x - n * 0.693359375f) - n * -2.12194440e-4f, bits_as<int32_t>(shifted) - 0x4b400000};
}

/// e^r - 1 for the reduced r.
AGON_INLINE float expm1_reduced(float r) {
  float p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

/// 2^n for -126 <= n <= 127.
AGON_INLINE float power_of_two(int32_t n) {
  return bits_as<float>((n + 127) << 23);
}

/// 2 ulp; 0 below the denormals, inf above the range, NaN stays.
AGON_INLINE float exp(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  const auto [r, n] = reduce_exp(x);
  const int32_t half = n >> 1;  // two factors: one alone would leave the exponent's range
  return (expm1_reduced(r) + 1.0f) * power_of_two(half) * power_of_two(n - half);
}

/// e^x - 1; 2 ulp for x <= 88, larger x are taken as 88.
AGON_INLINE float expm1(float x) {
  x = x < -40.0f ? -40.0f : x;
  x = x > 88.0f ? 88.0f : x;
  const auto [r, n] = reduce_exp(x);
  const float scale = power_of_two(n);
  return expm1_reduced(r) * scale + (scale - 1.0f);
}

/// 1 ulp; -inf at 0, NaN below.
AGON_INLINE float log(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 8388608.0f : x;
  const int32_t bits = bits_as<int32_t>(scaled);
  // The mantissa in [sqrt(1/2), sqrt(2)).
  const int32_t exponent = (bits - 0x3f3504f3) >> 23;
  const float f = bits_as<float>(bits - (exponent << 23)) - 1.0f;
  const float e = tiny ? static_cast<float>(exponent) - 23.0f : static_cast<float>(exponent);
  float p = f * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const float square = f * f;
  float y = p * square * f + e * -2.12194440e-4f;
  y = y - square * 0.5f;
  float result = (f + y) + e * 0.693359375f;
  result = x == __builtin_inff() ? x : result;
  result = x == 0.0f ? -__builtin_inff() : result;
  return x >= 0.0f ? result : __builtin_nanf("");
}

/// 2 ulp.
AGON_INLINE float tanh(float x) {
  const float a = abs(x), z = x * x;
  float p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = p * z * x + x;
  const float large = copysign(1.0f - 2.0f / (exp(a + a) + 1.0f), x);
  return a > 0.625f ? large : small;
}

/// 3 ulp.
AGON_INLINE float sigmoid(float x) {
  const float e = exp(-abs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/// log(1 + e^x); 3 ulp.
AGON_INLINE float softplus(float x) {
  const float e = exp(-abs(x)), u = 1.0f + e;
  const float log1p = log(u) - ((u - 1.0f) - e) / u;
  return (x > 0.0f ? x : 0.0f) + log1p;
}

/// sin and cos of 2 pi u for u in [0, 1]; absolute error 2e-7.
struct SinCos {
  float sin, cos;
};
AGON_INLINE SinCos sincos_turns(float u) {
  constexpr float magic = 12582912.0f;
  const float shifted = u * 4.0f + magic;
  const int32_t quadrant = bits_as<int32_t>(shifted);
  const float r = (u - (shifted - magic) * 0.25f) * 6.28318530717958648f, z = r * r;
  float s = z * -1.9515295891e-4f + 8.3321608736e-3f;
  s = (s * z - 1.6666654611e-1f) * z * r + r;
  float c = z * 2.443315711809948e-5f - 1.388731625493765e-3f;
  c = (c * z + 4.166664568298827e-2f) * z * z + (1.0f - z * 0.5f);
  const bool odd = (quadrant & 1) != 0;
  const float sine = odd ? c : s, cosine = odd ? s : c;
  const int32_t sine_sign = (quadrant & 2) << 30, cosine_sign = ((quadrant + 1) & 2) << 30;
  return {bits_as<float>(bits_as<int32_t>(sine) ^ sine_sign),
          bits_as<float>(bits_as<int32_t>(cosine) ^ cosine_sign)};
}

}  // namespace agon::cpu::vm
