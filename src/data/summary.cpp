#include <algorithm>
#include <cmath>

#include "agon/dataset.h"
#include "agon/error.h"

namespace agon {

DatasetSummary summarise(const Dataset& dataset, uint64_t limit) {
  DatasetSummary summary;
  summary.counted = std::min(limit, dataset.size());
  check(summary.counted > 0, ErrorKind::usage, "data: a summary of no images");
  summary.per_class.resize(dataset.class_names().size());
  const auto channels = static_cast<size_t>(dataset.shape().channels);
  // Bytes add up exactly.
  std::vector<uint64_t> sums(channels), squares(channels);
  std::vector<uint8_t> pixels(dataset.shape().bytes());
  for (uint64_t i = 0; i < summary.counted; ++i) {
    const int32_t label = dataset.read(i, pixels);
    if (label >= 0) ++summary.per_class[static_cast<size_t>(label)];
    for (size_t p = 0; p < pixels.size(); ++p) {
      sums[p % channels] += pixels[p];
      squares[p % channels] += uint64_t{pixels[p]} * pixels[p];
    }
  }
  const double count = static_cast<double>(summary.counted) * static_cast<double>(pixels.size() / channels);
  for (size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sums[c]) / count;
    const double variance = std::max(0.0, static_cast<double>(squares[c]) / count - mean * mean);
    summary.mean.push_back(mean / 255.0);
    summary.deviation.push_back(std::sqrt(variance) / 255.0);
  }
  return summary;
}

}  // namespace agon
