#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "agon/types.h"

namespace agon::cpu {

enum class Reduction : uint8_t { sum, max };

/// Reduces a row-major f32 array over a set of axes. Sums are accumulated in f64, a maximum propagates NaN.
/// The result does not depend on the number of threads.
class ReduceKernel {
 public:
  /// `axes` of `shape` are reduced, the others stay in their order.
  ReduceKernel(Reduction kind, const Shape& shape, std::span<const int> axes);
  /// x: shape; y: its kept extents. Allocates nothing. An empty sum is 0, an empty maximum -inf.
  void run(const float* x, float* y) const;
};

}  // namespace agon::cpu
