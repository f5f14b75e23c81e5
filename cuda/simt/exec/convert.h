// Conversions of one number, exact for every pair of types and every rounding of PTX's cvt.
#pragma once

#include <cstdint>

#include "cuda/simt/program.h"

namespace agon::simt {

// `value` holds the bits of the source in its low end (16-bit types zero-extended). Returns those of the
// result.
std::uint64_t convert(const Instruction& cvt, std::uint64_t value);

// The nearest number of `format` (f16, bf16, tf32, f32, f64) by `rounding`, as its bits.
std::uint64_t round_to(Type format, double value, Rounding rounding);

// The number that the bits of a floating-point format mean.
double number_of(Type format, std::uint64_t bits);

}  // namespace agon::simt
