// The approximate functions of PTX. A device's results are wrong in the last bits in its own way; here they
// are wrong by what the PTX manual allows at most, in a way that a seed picks: with one seed the same
// argument gives the same result in every launch, as on a device.
#pragma once

#include <cstdint>

namespace agon::simt {

enum class Function : std::uint8_t { ex2, lg2, sin, cos, tanh, rcp, rsqrt, sqrt };

// Largest errors, as the manual states them:
//   ex2    2^-22.5 of the result        lg2   2^-22.6 absolute for arguments in (0.5, 2), else of the result
//   sin, cos  2^-20.9 absolute in [-pi, pi]; the manual promises nothing beyond, we give 2^-20.9 * |x|
//   tanh   2^-11 of the result          rcp   1 unit in the last place
//   rsqrt  2^-22.9 of the result        sqrt  2^-23 of the result
float approximate(Function function, float x, bool ftz, std::uint64_t seed);

// a / b, wrong by 2 units in the last place at most (div.approx, div.full).
float approximate_quotient(float a, float b, bool ftz, std::uint64_t seed);

// rcp and rsqrt of f64 with 20 bits of mantissa: the low word of the result is zero.
double approximate(Function function, double x);

// tanh and ex2 of f16 (2^-10.98, 2^-9.9 of the result) and bf16 (2^-8, 2^-7), on the bits.
std::uint32_t approximate_half(Function function, bool bf16, std::uint32_t x, std::uint64_t seed);

}  // namespace agon::simt
