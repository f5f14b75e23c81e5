#pragma once
#include <span>

#include "agon/dataset.h"

namespace agon {

/// Flips and crops of an image of shape `source` to `height` x `width`.
struct Augmentation {
  ImageShape source;
  int height = 0, width = 0;
  int pad = 0;
  bool flip = false;
  uint64_t seed = 0;

  /// Writes the image as floats in [-1, 1]. The choices are those of (seed, sample).
  void apply(std::span<const uint8_t> image, uint64_t sample, std::span<float> out) const;
};

}  // namespace agon
