#pragma once
#include <cstdint>

#include "backend/cpu/kernels/bf16.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define AGON_HAVE_AMX
#endif

/// What the kernels for matrix registers share. Their code stands between AGON_AMX_BEGIN and AGON_AMX_END, in
/// an unnamed namespace, and runs only where has_amx().
namespace agon::cpu {

/// bf16 elements of a tile of a product's operands: 16 rows of 64 bytes. A left operand's row is 32 steps of
/// the sum for one row of the result; a right operand's row is two steps for 16 columns, step by step within
/// a column.
constexpr int64_t tile_size = 512;

}  // namespace agon::cpu

#ifdef AGON_HAVE_AMX
#define AGON_AMX_BEGIN        \
  _Pragma("GCC push_options") \
      _Pragma("GCC target(\"arch=x86-64-v4,prefer-vector-width=512,amx-tile,amx-bf16\")")
#define AGON_AMX_END _Pragma("GCC pop_options")

AGON_AMX_BEGIN
namespace agon::cpu {
namespace {

using Sixteen = uint16_t __attribute__((vector_size(32), aligned(2), may_alias));
using Pairs = uint32_t __attribute__((vector_size(64)));
using PairsMemory = uint32_t __attribute__((vector_size(64), aligned(64), may_alias));

/// Sixteen channels of two pixels, pixel by pixel within a channel.
inline Pairs interleave(const bf16* first, const bf16* second) {
  const Pairs low = __builtin_convertvector(*reinterpret_cast<const Sixteen*>(first), Pairs);
  const Pairs high = __builtin_convertvector(*reinterpret_cast<const Sixteen*>(second), Pairs);
  return low | high << 16;
}

/// A tile of pairs, rows made columns.
inline void store_transposed(const uint32_t (&pairs)[16][16], bf16* tile) {
  auto* const to = reinterpret_cast<uint32_t*>(tile);
  for (int64_t i = 0; i < 16; ++i)
    for (int64_t j = 0; j < 16; ++j) to[i * 16 + j] = pairs[j][i];
}

/// Sixteen rows of 64 bytes in each of the eight registers of this thread, until _tile_release().
inline void configure_tiles() {
  struct alignas(64) Config {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
  const Config config;
  _tile_loadconfig(&config);
}

}  // namespace
}  // namespace agon::cpu
AGON_AMX_END
#endif
