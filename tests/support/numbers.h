#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "agon/philox.h"

namespace agon::test {

/// Uniform in [lo, hi).
inline std::vector<float> random_floats(int64_t n, uint32_t stream, float lo = -1, float hi = 1) {
  PhiloxStream random(11, 0, stream);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = lo + (hi - lo) * random.uniform();
  return values;
}

/// max |got - want| / max |want|; the absolute error where `want` is all zero.
template <class Got, class Want>
double relative_error(const std::vector<Got>& got, const std::vector<Want>& want) {
  double error = got.size() == want.size() ? 0 : INFINITY, size = 0;
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    const auto w = static_cast<double>(want[i]), difference = std::fabs(static_cast<double>(got[i]) - w);
    if (!(difference <= error)) error = difference;  // NaN stays
    size = std::max(size, std::fabs(w));
  }
  return size > 0 ? error / size : error;
}

}  // namespace agon::test
