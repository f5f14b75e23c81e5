#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "agon/philox.h"

#include "backend/cpu/kernels/channel_layout.h"

namespace agon::test {

/// Uniform in [lo, hi).
inline std::vector<float> random_floats(int64_t n, uint32_t stream, float lo = -1, float hi = 1) {
  PhiloxStream random(11, 0, stream);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = lo + (hi - lo) * random.uniform();
  return values;
}

/// 64-byte aligned scratch.
class Scratch {
 public:
  explicit Scratch(size_t bytes) : memory_(bytes + 64) {}
  void* get() {
    const auto at = reinterpret_cast<uintptr_t>(memory_.data());
    return memory_.data() + (64 - at % 64) % 64;
  }

 private:
  std::vector<char> memory_;
};

/// max |got - want| / max |want|; the absolute error where `want` is all zero.
template <class Want>
double relative_error(const std::vector<float>& got, const std::vector<Want>& want) {
  double error = 0, size = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const auto w = static_cast<double>(want[i]), difference = std::fabs(static_cast<double>(got[i]) - w);
    if (!(difference <= error)) error = difference;  // NaN stays
    size = std::max(size, std::fabs(w));
  }
  return size > 0 ? error / size : error;
}

/// Where a layout keeps (image, channel, pixel).
inline size_t index_of(const cpu::ChannelLayout& l, int64_t n, int64_t c, int64_t p) {
  return static_cast<size_t>(((n * l.channels / l.block + c / l.block) * l.pixels + p) * l.block +
                             c % l.block);
}

/// Calls f(index, channel) for every element.
template <class F>
void for_each(const cpu::ChannelLayout& l, const F& f) {
  for (int64_t n = 0; n < l.images; ++n)
    for (int64_t c = 0; c < l.channels; ++c)
      for (int64_t p = 0; p < l.pixels; ++p) f(index_of(l, n, c, p), static_cast<size_t>(c));
}

}  // namespace agon::test
