#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "agon/types.h"

namespace agon::cpu {

/// Strides in elements by axis of an iteration space, outermost first; 0 repeats the operand along an axis.
using Strides = std::array<int64_t, Shape::max_rank>;

/// Strides of a row-major array of exactly `shape`.
Strides row_major(const Shape& shape);
/// Strides with which a row-major `operand` is read over `space` by NumPy broadcasting.
Strides broadcast_strides(const Shape& operand, const Shape& space);

/// An iteration space and the strides of its operands.
struct LoopNest {
  Shape extents;
  std::vector<Strides> operands;

  /// The same loops in as few axes as the strides allow: axes of extent 1 go, neighbours that every operand
  /// walks as one are merged. At least one axis remains.
  LoopNest collapsed() const;
};

}  // namespace agon::cpu
