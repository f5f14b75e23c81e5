#pragma once
#include <cstdint>
#include <span>

#include "agon/types.h"

namespace agon::device {

/// Writes row-major strides of `shape` in elements.
void row_major(const Shape& shape, int64_t* strides);

/// Writes strides of `operand` over the axes of `space`, NumPy-aligned at the last axis: 0 where it
/// broadcasts.
void broadcast_strides(const Shape& operand, const Shape& space, int64_t* strides);

/// Writes the extents.
void extents(const Shape& shape, int64_t* out);

}  // namespace agon::device
