#pragma once
#include <array>
#include <cstdint>

#include "agon/types.h"

namespace agon::reference {

using Strides = std::array<int64_t, Shape::max_rank>;

/// Element strides of a row-major array.
inline Strides strides_of(const Shape& shape) {
  Strides strides{};
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = step;
    step *= shape[i];
  }
  return strides;
}

/// Strides under which `from` is read while walking the shape `to` that it broadcasts to (NumPy's rule).
inline Strides broadcast_strides(const Shape& from, const Shape& to) {
  const Strides own = strides_of(from);
  Strides strides{};
  const int extra = to.rank() - from.rank();
  for (int i = 0; i < from.rank(); ++i)
    if (from[i] != 1) strides[static_cast<size_t>(i + extra)] = own[static_cast<size_t>(i)];
  return strides;
}

/// Calls f(i, offsets) for element i = 0, 1, .. of `shape` in row-major order; offsets[k] is the element
/// that operand k has there under strides[k].
template <size_t N, class F>
void walk(const Shape& shape, const std::array<Strides, N>& strides, F&& f) {
  std::array<int64_t, N> offsets{};
  std::array<int64_t, Shape::max_rank> index{};
  const int64_t count = shape.numel();
  for (int64_t i = 0; i < count; ++i) {
    f(i, offsets);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto a = static_cast<size_t>(axis);
      for (size_t k = 0; k < N; ++k) offsets[k] += strides[k][a];
      if (++index[a] < shape[axis]) break;
      for (size_t k = 0; k < N; ++k) offsets[k] -= strides[k][a] * index[a];
      index[a] = 0;
    }
  }
}

}  // namespace agon::reference
