#pragma once
#include <cmath>
#include <span>

#include "agon/metrics.h"

namespace agon {

/// Mean and standard deviation (ddof 0) of at least one value.
inline MeanStd mean_std(std::span<const double> values) {
  MeanStd result;
  const double n = static_cast<double>(values.size());
  for (double v : values) result.mean += v / n;
  for (double v : values) result.std += (v - result.mean) * (v - result.mean) / n;
  result.std = std::sqrt(result.std);
  return result;
}

}  // namespace agon
