#pragma once
#include <cuda_bf16.h>

#include "cuda/kernels/common.h"

/// What kernels share on the device.
namespace agon::cuda {

/// Division of numbers below 2^31 by a number fixed at launch, as a multiplication (Granlund and Montgomery
/// 1994).
struct Divider {
  uint32_t divisor = 1, factor = 1, shift = 0;

  Divider() = default;
  explicit Divider(int64_t by) : divisor(static_cast<uint32_t>(by < 1 ? 1 : by)) {
    while ((uint64_t{1} << shift) < divisor) ++shift;
    factor = static_cast<uint32_t>((uint64_t{1} << 32) * ((uint64_t{1} << shift) - divisor) / divisor + 1);
  }
  __device__ uint32_t quotient(uint32_t n) const { return (__umulhi(n, factor) + n) >> shift; }
  /// Replaces n by its quotient and returns the remainder.
  __device__ uint32_t split(uint32_t& n) const {
    const uint32_t q = quotient(n), rest = n - q * divisor;
    n = q;
    return rest;
  }
};

__device__ inline float from_bf16(uint32_t bits) {
  return __uint_as_float(bits << 16);
}
/// Two numbers as bf16, the first in the low half.
__device__ inline uint32_t pack_bf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return reinterpret_cast<const uint32_t&>(pair);
}
__device__ inline uint16_t to_bf16(float x) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(x));
}

/// Four neighbours as f32; p is aligned to four elements.
template <class T>
__device__ inline float4 load4(const T* p);
template <>
__device__ inline float4 load4(const float* p) {
  return *reinterpret_cast<const float4*>(p);
}
template <>
__device__ inline float4 load4(const uint16_t* p) {
  const uint2 bits = *reinterpret_cast<const uint2*>(p);
  return {from_bf16(bits.x & 0xffff), __uint_as_float(bits.x & 0xffff0000u), from_bf16(bits.y & 0xffff),
          __uint_as_float(bits.y & 0xffff0000u)};
}
__device__ inline void store4(float* p, float4 v) {
  *reinterpret_cast<float4*>(p) = v;
}
__device__ inline void store4(uint16_t* p, float4 v) {
  *reinterpret_cast<uint2*>(p) = {pack_bf16(v.x, v.y), pack_bf16(v.z, v.w)};
}
__device__ inline float load1(const float* p) {
  return *p;
}
__device__ inline float load1(const uint16_t* p) {
  return from_bf16(*p);
}
__device__ inline void store1(float* p, float v) {
  *p = v;
}
__device__ inline void store1(uint16_t* p, float v) {
  *p = to_bf16(v);
}

/// The functions of agon::ActivationKind, and their derivatives by the output y.
template <ActivationKind kind>
__device__ inline float activate(float x, float alpha) {
  if constexpr (kind == ActivationKind::relu) return x > 0 ? x : 0;
  if constexpr (kind == ActivationKind::leaky_relu) return x > 0 ? x : alpha * x;
  if constexpr (kind == ActivationKind::elu) return x > 0 ? x : alpha * expm1f(x);
  if constexpr (kind == ActivationKind::tanh) return tanhf(x);
  if constexpr (kind == ActivationKind::sigmoid) return 1 / (1 + expf(-x));
  return x;
}
template <ActivationKind kind>
__device__ inline float activate_grad(float y, float dy, float alpha) {
  if constexpr (kind == ActivationKind::relu) return y > 0 ? dy : 0;
  if constexpr (kind == ActivationKind::leaky_relu) return y > 0 ? dy : alpha * dy;
  if constexpr (kind == ActivationKind::elu) return y > 0 ? dy : (y + alpha) * dy;
  if constexpr (kind == ActivationKind::tanh) return (1 - y * y) * dy;
  if constexpr (kind == ActivationKind::sigmoid) return y * (1 - y) * dy;
  return dy;
}
/// Calls f with the kind as a compile-time constant.
template <class F>
__host__ __device__ inline auto with_activation(ActivationKind kind, F&& f) {
  switch (kind) {
    case ActivationKind::relu:
      return f.template operator()<ActivationKind::relu>();
    case ActivationKind::leaky_relu:
      return f.template operator()<ActivationKind::leaky_relu>();
    case ActivationKind::elu:
      return f.template operator()<ActivationKind::elu>();
    case ActivationKind::tanh:
      return f.template operator()<ActivationKind::tanh>();
    case ActivationKind::sigmoid:
      return f.template operator()<ActivationKind::sigmoid>();
    default:
      return f.template operator()<ActivationKind::identity>();
  }
}
__device__ inline float activate(Activation f, float x) {
  return with_activation(f.kind, [&]<ActivationKind kind>() { return activate<kind>(x, f.alpha); });
}
__device__ inline float activate_grad(Activation f, float y, float dy) {
  return with_activation(f.kind, [&]<ActivationKind kind>() { return activate_grad<kind>(y, dy, f.alpha); });
}

/// log(1 + e^x) without overflow.
__device__ inline float softplus(float x) {
  return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
}

template <class T>
__device__ inline T warp_sum(T x) {
  for (int lane = 16; lane > 0; lane /= 2) x += __shfl_xor_sync(0xffffffffu, x, lane);
  return x;
}
/// The larger of two numbers, a NaN if there is one.
__device__ inline float max_or_nan(float a, float b) {
  return b > a || isnan(b) ? b : a;
}
__device__ inline float warp_max(float x) {
  for (int lane = 16; lane > 0; lane /= 2) x = max_or_nan(x, __shfl_xor_sync(0xffffffffu, x, lane));
  return x;
}

/// The sum over a block of `threads` (a multiple of 32), in a fixed order, to all threads. May be called
/// again at once.
template <int threads, class T>
__device__ inline T block_sum(T x) {
  __shared__ T parts[threads / 32];
  x = warp_sum(x);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  T sum = 0;
  for (int i = 0; i < threads / 32; ++i) sum += parts[i];
  __syncthreads();
  return sum;
}

/// True in the last of `blocks` blocks to come here; all its threads see what the others wrote before. The
/// counter must be 0 at first and is 0 again after.
__device__ inline bool last_block_done(uint32_t* counter, uint32_t blocks) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(counter, 1u) == blocks - 1;
    __threadfence();
    if (last) atomicExch(counter, 0u);
  }
  __syncthreads();
  return last;
}

constexpr int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
inline bool aligned(const void* p, size_t bytes) {
  return reinterpret_cast<uintptr_t>(p) % bytes == 0;
}

}  // namespace agon::cuda
