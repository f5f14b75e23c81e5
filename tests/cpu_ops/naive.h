#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "agon/types.h"

#include "backend/cpu/kernels/strides.h"

/// What the tests of the CPU kernels share: data, and loops too plain to be wrong.
namespace agon::naive {

using Index = std::vector<int64_t>;

/// Calls body(index) for every index within `extents`, row-major.
inline void for_each(const Shape& extents, const std::function<void(const Index&)>& body) {
  Index index(static_cast<size_t>(extents.rank()));
  for (int64_t n = 0; n < extents.numel(); ++n) {
    int64_t rest = n;
    for (int axis = extents.rank() - 1; axis >= 0; --axis) {
      index[static_cast<size_t>(axis)] = rest % extents[axis];
      rest /= extents[axis];
    }
    body(index);
  }
}

inline size_t offset(const Index& index, const cpu::Strides& strides) {
  int64_t sum = 0;
  for (size_t axis = 0; axis < index.size(); ++axis) sum += index[axis] * strides[axis];
  return static_cast<size_t>(sum);
}

/// Elements that an array with these strides spans.
inline size_t span(const Shape& extents, const cpu::Strides& strides) {
  int64_t last = 0;
  for (int axis = 0; axis < extents.rank(); ++axis)
    last += (extents[axis] - 1) * strides[static_cast<size_t>(axis)];
  return static_cast<size_t>(last + 1);
}

inline std::vector<float> normals(size_t count, unsigned seed, float scale = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> draw(0, scale);
  std::vector<float> values(count);
  for (float& v : values) v = draw(engine);
  return values;
}

/// Small integers: sums and products of a few are exact in float, and ties happen.
inline std::vector<float> integers(size_t count, unsigned seed, int bound = 3) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int> draw(-bound, bound);
  std::vector<float> values(count);
  for (float& v : values) v = static_cast<float>(draw(engine));
  return values;
}

/// The error of `value` against `exact` in units of the last place of the float nearest to `exact`.
inline double ulps(float value, double exact) {
  const float nearest = static_cast<float>(exact);
  if (value == nearest || (std::isnan(value) && std::isnan(exact))) return 0;
  if (!std::isfinite(value) || !std::isfinite(nearest)) return 1e9;
  const double ulp = std::max(
      static_cast<double>(std::nextafter(std::fabs(nearest), INFINITY)) - std::fabs(nearest), 0x1p-149);
  return std::fabs(value - exact) / ulp;
}

}  // namespace agon::naive
