#pragma once
#include "cuda/kernels/contraction.h"
#include "cuda/kernels/device.cuh"

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
        to[i + 2 * j] = from_bf16(pairs[j] & 0xffff);
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

/// An activation known at run time: identity, relu and leaky_relu as one line with a slope below 0.
struct PiecewiseActivation {
  Activation f;
  bool linear;
  float slope;

  __device__ explicit PiecewiseActivation(Activation activation)
      : f(activation),
        linear(f.kind <= ActivationKind::leaky_relu),
        slope(f.kind == ActivationKind::identity ? 1
              : f.kind == ActivationKind::relu   ? 0
                                                 : f.alpha) {}

  template <int Width>
  __device__ void apply(float (&v)[Width]) const {
    if (linear)
      for (float& x : v) x = x > 0 ? x : x * slope;
    else
      for (float& x : v) x = activate(f, x);
  }
};

/// A prologue's per-channel numbers for `Width` neighbouring channels.
template <int Width>
struct ChannelNumbers {
  float scale[Width], shift[Width], c0[Width], c1[Width], c2[Width];

  __device__ ChannelNumbers(const Prologue& prologue, int channel) {
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

/// v := the prologue's result; `z` is read by a backward prologue alone.
template <int Width>
__device__ inline void transform(const Prologue& prologue, const ChannelNumbers<Width>& numbers,
                                 float (&v)[Width], const float (&z)[Width]) {
  const PiecewiseActivation f(prologue.activation);
  if (prologue.kind == PrologueKind::forward) {
    for (int i = 0; i < Width; ++i) v[i] = fmaf(v[i], numbers.scale[i], numbers.shift[i]);
    f.apply(v);
    return;
  }
  for (int i = 0; i < Width; ++i) {
    float y = fmaf(z[i], numbers.scale[i], numbers.shift[i]);
    float d;
    if (f.linear) {
      d = y > 0 ? v[i] : v[i] * f.slope;
    } else {
      if (prologue.scale != nullptr) y = activate(prologue.activation, y);
      d = activate_grad(prologue.activation, y, v[i]);
    }
    v[i] = fmaf(d, numbers.c0[i], fmaf(z[i], numbers.c1[i], numbers.c2[i]));
  }
}

/// The same for elements in shared memory.
template <class T, int Width>
__device__ inline void transform_chunk(const Prologue& prologue, const ChannelNumbers<Width>& numbers,
                                       void* chunk, const void* z_chunk) {
  float v[Width], z[Width] = {};
  read_elements<T>(v, chunk);
  if (prologue.kind == PrologueKind::backward) read_elements<T>(z, z_chunk);
  transform(prologue, numbers, v, z);
  write_elements<T>(chunk, v);
}

/// The same for elements in global memory: what the prologue makes of `Width` of them at `from`. Its
/// activation must be one of identity, relu and leaky_relu.
template <class T, int Width>
__device__ inline void read_transformed(const Prologue& prologue, const ChannelNumbers<Width>& numbers,
                                        const T* from, const T* z_from, float (&v)[Width]) {
  read_elements<T>(v, from);
  if (prologue.kind == PrologueKind::none) return;
  const float slope = PiecewiseActivation(prologue.activation).slope;
  if (prologue.kind == PrologueKind::forward) {
    for (int i = 0; i < Width; ++i) {
      const float u = fmaf(v[i], numbers.scale[i], numbers.shift[i]);
      v[i] = u > 0 ? u : u * slope;
    }
    return;
  }
  float z[Width];
  read_elements<T>(z, z_from);
  for (int i = 0; i < Width; ++i) {
    const float d = fmaf(z[i], numbers.scale[i], numbers.shift[i]) > 0 ? v[i] : v[i] * slope;
    v[i] = fmaf(d, numbers.c0[i], fmaf(z[i], numbers.c1[i], numbers.c2[i]));
  }
}

}  // namespace agon::cuda
