#pragma once
#include "cuda/kernels/contraction.h"
#include "cuda/kernels/conv_activation.cuh"

/// Prologues, applied once to each element that lies in shared memory, by the thread that copied it there.
namespace agon::cuda {

/// 16 bytes at a time: in shared memory, 8 would have the lanes of a warp meet in its banks.
template <class T, int Width>
__device__ inline void read_elements(float (&to)[Width], const void* from) {
  if constexpr (Width % 8 == 0 && sizeof(T) == 2) {
    for (int i = 0; i < Width; i += 8) {
      const uint4 bits = *reinterpret_cast<const uint4*>(static_cast<const T*>(from) + i);
      const uint32_t pairs[4] = {bits.x, bits.y, bits.z, bits.w};
      for (int j = 0; j < 4; ++j) {
        to[i + 2 * j] = __uint_as_float(pairs[j] << 16);
        to[i + 2 * j + 1] = __uint_as_float(pairs[j] & 0xffff0000u);
      }
    }
  } else if constexpr (Width % 4 == 0) {
    for (int i = 0; i < Width; i += 4) {
      const float4 v = load4(static_cast<const T*>(from) + i);
      to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
    }
  } else {
    static_assert(Width == 1);
    to[0] = load1(static_cast<const T*>(from));
  }
}

/// A prologue's numbers for `Width` neighbouring channels, and what its activation multiplies negative
/// numbers by: at most 1.
template <int Width>
struct ChannelNumbers {
  float scale[Width], shift[Width], c0[Width], c1[Width], c2[Width], slope;

  ChannelNumbers() = default;
  __device__ ChannelNumbers(const Prologue& prologue, int channel) {
    slope = negative_slope(prologue.activation);
    read(scale, prologue.scale, channel, 1);
    read(shift, prologue.shift, channel, 0);
    if (prologue.kind != PrologueKind::backward) return;
    const float* c = prologue.coefficients;
    read(c0, c, channel, 1);
    read(c1, c ? c + prologue.channels : c, channel, 0);
    read(c2, c ? c + 2 * prologue.channels : c, channel, 0);
  }

 private:
  __device__ static void read(float (&to)[Width], const float* from, int channel, float missing) {
    if (from == nullptr) {
      for (float& value : to) value = missing;
    } else {
      read_elements<float>(to, from + channel);
    }
  }
};

template <class T, int Width>
__device__ inline void write_elements(void* to, const float (&from)[Width]) {
  if constexpr (Width % 8 == 0 && sizeof(T) == 2)
    for (int i = 0; i < Width; i += 8)
      *reinterpret_cast<uint4*>(static_cast<T*>(to) + i) = {
          pack_bf16(from[i], from[i + 1]), pack_bf16(from[i + 2], from[i + 3]),
          pack_bf16(from[i + 4], from[i + 5]), pack_bf16(from[i + 6], from[i + 7])};
  else if constexpr (Width % 4 == 0)
    for (int i = 0; i < Width; i += 4)
      store4(static_cast<T*>(to) + i, {from[i], from[i + 1], from[i + 2], from[i + 3]});
  else
    store1(static_cast<T*>(to), from[0]);
}

/// v := the prologue's result.
template <int Width>
__device__ inline void transform_forward(const ChannelNumbers<Width>& numbers, float (&v)[Width]) {
  for (int i = 0; i < Width; ++i) {
    const float u = fmaf(v[i], numbers.scale[i], numbers.shift[i]);
    v[i] = fmaxf(u, u * numbers.slope);
  }
}
template <int Width>
__device__ inline void transform_backward(const ChannelNumbers<Width>& numbers, float (&v)[Width],
                                          const float (&z)[Width]) {
  for (int i = 0; i < Width; ++i) {
    const float d = fmaf(z[i], numbers.scale[i], numbers.shift[i]) > 0 ? v[i] : v[i] * numbers.slope;
    v[i] = fmaf(d, numbers.c0[i], fmaf(z[i], numbers.c1[i], numbers.c2[i]));
  }
}

/// The same for a thread's share of a tile in shared memory: the chunks whose bit in `real` is set, where
/// offset(i) says. `z_tile` is read by a backward prologue alone.
template <class T, int Width, int Count, class Offset>
__device__ inline void transform_chunks(const Prologue& prologue, const ChannelNumbers<Width>& numbers,
                                        uint32_t real, char* tile, const char* z_tile, Offset&& offset) {
  float v[Width];
  if (prologue.kind == PrologueKind::forward) {
    for (int i = 0; i < Count; ++i) {
      if (!(real >> i & 1)) continue;
      read_elements<T>(v, tile + offset(i));
      transform_forward(numbers, v);
      write_elements<T>(tile + offset(i), v);
    }
  } else {
    for (int i = 0; i < Count; ++i) {
      if (!(real >> i & 1)) continue;
      float z[Width];
      read_elements<T>(v, tile + offset(i));
      read_elements<T>(z, z_tile + offset(i));
      transform_backward(numbers, v, z);
      write_elements<T>(tile + offset(i), v);
    }
  }
}

/// The same for elements in global memory: what the prologue makes of `Width` of them at `from`.
template <class T, int Width>
__device__ inline void read_transformed(const Prologue& prologue, const ChannelNumbers<Width>& numbers,
                                        const T* from, const T* z_from, float (&v)[Width]) {
  read_elements<T>(v, from);
  if (prologue.kind == PrologueKind::none) return;
  if (prologue.kind == PrologueKind::forward) return transform_forward(numbers, v);
  float z[Width];
  read_elements<T>(z, z_from);
  transform_backward(numbers, v, z);
}

}  // namespace agon::cuda
