#pragma once
#include <cstdint>
#include <string_view>

#include "cuda/simt/program.h"

namespace agon::simt::ptx {

/// The type named by a directive or modifier ("f32"); Type::none if it is not one.
Type find_type(std::string_view name);
/// Bits of a value; packed pairs have 32, a predicate 1.
uint32_t type_bits(Type type);
bool is_float(Type type);   ///< f32, f64 and tf32
bool is_half(Type type);    ///< f16, bf16 and their pairs
bool is_signed(Type type);  ///< s8 .. s64

}  // namespace agon::simt::ptx
