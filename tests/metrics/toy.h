#pragma once
#include <string>
#include <vector>

#include "agon/dataset.h"
#include "agon/feature_extractor.h"
#include "agon/philox.h"

namespace agon::test {

/// Noisy 16x16 grey images of three classes (two if unlabelled): a bright quadrant, its place the class.
class ToyDataset : public Dataset {
 public:
  explicit ToyDataset(uint64_t size, bool labelled = true)
      : Dataset({.shape = {16, 16, 1},
                 .size = size,
                 .class_names =
                     labelled ? std::vector<std::string>{"nw", "ne", "sw"} : std::vector<std::string>{},
                 .fingerprint = "toy " + std::to_string(size)}) {}

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    PhiloxStream random(5, index, 0);
    const uint64_t place = index % 3;
    for (size_t i = 0; i < pixels.size(); ++i) {
      const bool bright = (i / 128 == place / 2) && (i % 16 / 8 == place % 2);
      pixels[i] = static_cast<uint8_t>((bright ? 150 : 0) + random.below(100));
    }
  }
  int32_t read_label(uint64_t index) const override { return static_cast<int32_t>(index % 3); }
};

/// Features: the mean of each quadrant of a 16x16 grey image. Logits: those of the first three.
class QuadrantExtractor : public FeatureExtractor {
 public:
  const ExtractorInfo& info() const override { return info_; }
  Features extract(const Tensor& images) override {
    const int64_t n = images.shape()[0];
    extracted += n;
    Features result{Tensor(DType::f64, {n, 4}), Tensor(DType::f64, {n, 3})};
    for (size_t at = 0; at < images.as<uint8_t>().size(); ++at) {
      const size_t image = at / 256, i = at % 256, quadrant = i / 128 * 2 + i % 16 / 8;
      const double part = images.as<uint8_t>()[at] / 64.0;
      result.features.as<double>()[image * 4 + quadrant] += part;
      if (quadrant < 3) result.logits.as<double>()[image * 3 + quadrant] += part;
    }
    return result;
  }

  int64_t extracted = 0;

 private:
  ExtractorInfo info_{"quadrants", "mean of 8x8", "none", 4, 3};
};

}  // namespace agon::test
