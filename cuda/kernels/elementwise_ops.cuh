#pragma once
#include "cuda/kernels/device.cuh"
#include "cuda/kernels/elementwise.h"

/// One application of an elementwise op; operands beyond its arity are ignored. `alpha` and `hi` are the
/// activation's constant, or clamp's limits.
namespace agon::cuda {

template <ElementwiseOp op>
__device__ inline float apply(float a, float b, float c, float lo, float hi) {
  using enum ElementwiseOp;
  if constexpr (op == neg) return -a;
  if constexpr (op == abs) return fabsf(a);
  if constexpr (op == sign) return a > 0 ? 1.0f : a < 0 ? -1.0f : a;
  if constexpr (op == exp) return expf(a);
  if constexpr (op == log) return logf(a);
  if constexpr (op == sqrt) return sqrtf(a);
  if constexpr (op == rsqrt) return 1 / sqrtf(a);
  if constexpr (op == ElementwiseOp::softplus) return agon::cuda::softplus(a);
  if constexpr (op == clamp) return a < lo ? lo : a > hi ? hi : a;
  if constexpr (op == add) return a + b;
  if constexpr (op == sub) return a - b;
  if constexpr (op == mul) return a * b;
  if constexpr (op == div) return a / b;
  if constexpr (op == maximum) return a >= b || isnan(a) ? a : b;
  if constexpr (op == minimum) return a <= b || isnan(a) ? a : b;
  if constexpr (op == greater) return a > b ? 1.0f : 0.0f;
  if constexpr (op == greater_equal) return a >= b ? 1.0f : 0.0f;
  if constexpr (op == equal) return a == b ? 1.0f : 0.0f;
  if constexpr (op == where) return a != 0 ? b : c;
  return a;
}

}  // namespace agon::cuda
