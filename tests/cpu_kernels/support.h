#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "backend/cpu/kernels/channel_layout.h"
#include "support/numbers.h"

namespace agon::test {

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
