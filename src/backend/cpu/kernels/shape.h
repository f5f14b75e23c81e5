#pragma once
#include <cstdint>

#include "backend/cpu/kernels/strides.h"

namespace agon::cpu {

/// Copies a box of 4-byte elements (f32, i32) between two arrays: transpose, slice, pad, concat, broadcast.
class CopyKernel {
 public:
  /// y[sum(index * target)] = x[sum(index * source)] for every index within `extents`. Source strides may be
  /// 0 (broadcast); target strides must make the targets distinct.
  CopyKernel(const Shape& extents, const Strides& source, const Strides& target);
  /// The caller adds the box's offset to `x` and `y`; they must not overlap. Allocates nothing.
  void run(const void* x, void* y) const;

 private:
  /// One axis of the box.
  struct Axis {
    int64_t extent = 1, source = 0, target = 0;
  };

  std::vector<Axis> outer_;
  Axis row_, column_;  ///< the plane that is copied as one; columns are the innermost of the target
  int64_t planes_ = 1;
};

/// y[0 .. n) = value.
void fill(float* y, int64_t n, float value);

/// NHWC [images, pixels, channels] to nChw16c [images, channels / 16, pixels, 16]; channels % 16 == 0.
void to_blocked(const float* x, int64_t images, int64_t pixels, int64_t channels, float* y);
/// The inverse of to_blocked.
void from_blocked(const float* x, int64_t images, int64_t pixels, int64_t channels, float* y);

}  // namespace agon::cpu
