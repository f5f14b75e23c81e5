#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "agon/dataset.h"
#include "agon/metrics.h"
#include "agon/tensor.h"

namespace agon {

/// What identifies the numbers of an extractor. Scores are comparable only where name, protocol and weights
/// agree.
struct ExtractorInfo {
  std::string name;      ///< "lenet"
  std::string protocol;  ///< how images become its input: "lenet-28x28x1 pil-bilinear v/127.5-1"
  std::string weights;   ///< a hash of the weights: "crc32:0badf00d"
  int64_t features = 0;  ///< d
  int64_t classes = 0;   ///< logits
};

struct Features {
  Tensor features;  ///< f64 [n, d]
  Tensor logits;    ///< f64 [n, classes], before softmax
};

/// A trained network that turns images into the features and class logits which scores are computed from.
class FeatureExtractor {
 public:
  virtual ~FeatureExtractor() = default;
  virtual const ExtractorInfo& info() const = 0;
  /// `images` are u8 NHWC of any count, height and width (resized as the protocol says) and 1 or 3 channels.
  /// An image's result does not depend on the others. Not thread-safe.
  virtual Features extract(const Tensor& images) = 0;
  /// What the extractor says of labelled images that it was not trained on, where it judges their classes.
  virtual std::optional<ConfusionMatrix> held_back() const { return std::nullopt; }
};

}  // namespace agon
