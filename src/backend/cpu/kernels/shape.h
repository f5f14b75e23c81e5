#pragma once
#include <cstdint>

#include "backend/cpu/kernels/elementwise.h"

namespace agon::cpu {

/// Copies a box of 4-byte elements (f32, i32) between two arrays: transpose, slice, pad, concat, broadcast.
class CopyKernel {
 public:
  /// y[sum(index * target)] = x[sum(index * source)] for every index within `extents`. Source strides may be
  /// 0 (broadcast); target strides must make the targets distinct.
  CopyKernel(const Shape& extents, const Strides& source, const Strides& target);
  /// The caller adds the box's offset to `x` and `y`; they must not overlap. Allocates nothing.
  void run(const void* x, void* y) const;
};

/// y[0 .. n) = value.
void fill(float* y, int64_t n, float value);

/// NHWC [images, pixels, channels] to nChw16c [images, channels / 16, pixels, 16]; channels % 16 == 0.
void to_blocked(const float* x, int64_t images, int64_t pixels, int64_t channels, float* y);
/// The inverse of to_blocked.
void from_blocked(const float* x, int64_t images, int64_t pixels, int64_t channels, float* y);

}  // namespace agon::cpu
