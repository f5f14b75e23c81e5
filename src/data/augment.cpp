#include "data/augment.h"

#include <array>

#include "agon/philox.h"

#include "data/streams.h"

namespace agon {
namespace {

/// to_floats() of every byte.
constexpr std::array<float, 256> float_of = [] {
  std::array<float, 256> values{};
  for (size_t v = 0; v < values.size(); ++v) values[v] = static_cast<float>(v) / 127.5f - 1.0f;
  return values;
}();

/// Index into [0, size) of a place up to size - 1 outside of it, mirrored at the edges.
int reflected(int at, int size) {
  if (at < 0) return -at;
  return at < size ? at : 2 * size - 2 - at;
}

}  // namespace

void Augmentation::apply(std::span<const uint8_t> image, uint64_t sample, std::span<float> out) const {
  PhiloxStream random(seed, sample, data_streams::augmentation);
  const bool mirrored = flip && (random.next() & 1) != 0;
  const auto offset = [&](int room) {
    return static_cast<int>(random.below(static_cast<uint32_t>(room + 1))) - pad;
  };
  const int top = offset(source.height + 2 * pad - height), left = offset(source.width + 2 * pad - width);
  if (!mirrored && top == 0 && left == 0 && height == source.height && width == source.width)
    return to_floats(image, out);

  const auto channels = static_cast<size_t>(source.channels);
  float* to = out.data();
  for (int y = 0; y < height; ++y) {
    const uint8_t* row =
        &image[static_cast<size_t>(reflected(top + y, source.height) * source.width) * channels];
    for (int x = 0; x < width; ++x, to += channels) {
      const int column = reflected(left + (mirrored ? width - 1 - x : x), source.width);
      const uint8_t* from = row + static_cast<size_t>(column) * channels;
      for (size_t c = 0; c < channels; ++c) to[c] = float_of[from[c]];
    }
  }
}

}  // namespace agon
