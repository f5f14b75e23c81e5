#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "agon/types.h"

namespace agon::cpu {

enum class Reduction : uint8_t { sum, max };

/// Reduces a row-major f32 array over a set of axes. Sums of four elements are accumulated in f64 (errors
/// below 1e-7 of the sum of magnitudes), a maximum propagates NaN.
/// The result does not depend on the number of threads.
class ReduceKernel {
 public:
  /// `axes` of `shape` are reduced, the others stay in their order.
  ReduceKernel(Reduction kind, const Shape& shape, std::span<const int> axes);
  /// x: shape; y: its kept extents. Allocates nothing. An empty sum is 0, an empty maximum -inf.
  void run(const float* x, float* y) const;

 private:
  struct Axis {
    int64_t extent, stride;
  };
  /// Axes walked as one, last fastest.
  struct Walk {
    std::vector<Axis> axes;
    int64_t count = 1;

    void add(int64_t extent, int64_t stride);
    int64_t offset(int64_t index) const;
  };

  template <class Op>
  void reduce(const float* x, float* y) const;
  template <class Op>
  void reduce_rows(const float* x, float* y) const;
  template <class Op>
  void reduce_columns(const float* x, float* y) const;

  Reduction kind_;
  Walk kept_, reduced_;  ///< all axes but the innermost
  int64_t inner_ = 1;    ///< extent of the innermost axis
  bool inner_reduced_ = false;
};

}  // namespace agon::cpu
