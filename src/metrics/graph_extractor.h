#pragma once
#include <memory>

#include "agon/feature_extractor.h"
#include "agon/program.h"

namespace agon {

/// Resizes (bilinear, antialiased, as PIL) and converts channels where `images` (u8 NHWC) differ from
/// `shape`.
Tensor fit_images(const Tensor& images, const ImageShape& shape);

/// Pixels 0..255 to [-1, 1]: v / 127.5 - 1.
void normalise(std::span<const uint8_t> pixels, std::span<float> values);

/// A feature extractor that runs a graph with input "x" f32 [batch, height, width, channels] in [-1, 1] and
/// outputs "features" [batch, d] and "logits" [batch, classes].
class GraphExtractor : public FeatureExtractor {
 public:
  /// `store` holds the weights. The graph's batch is the number of images per run; a last partial one is
  /// filled up.
  GraphExtractor(ExtractorInfo info, std::shared_ptr<Backend> backend, std::shared_ptr<Store> store,
                 const Graph& graph);

  const ExtractorInfo& info() const override { return info_; }
  Features extract(const Tensor& images) override;

 private:
  ExtractorInfo info_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<Store> store_;
  std::unique_ptr<Program> program_;
  int64_t batch_ = 0;
  ImageShape shape_;
};

}  // namespace agon
