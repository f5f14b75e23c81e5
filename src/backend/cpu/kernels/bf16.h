#pragma once
#include <cstdint>

namespace agon::cpu {

/// bfloat16 as it lies in memory: the upper half of a float. Kernels that read or write it compute in f32 and
/// round to nearest even.
struct bf16 {
  uint16_t bits;
};

/// out[i] = in[i] over a large array, all threads.
void convert(const float* in, int64_t n, bf16* out);
void convert(const bf16* in, int64_t n, float* out);

/// The same within one thread, for a tile that stays in the cache.
void convert_tile(const float* in, int64_t n, bf16* out);
void convert_tile(const bf16* in, int64_t n, float* out);

}  // namespace agon::cpu
