#pragma once
#include <functional>

#include "agon/feature_extractor.h"

namespace agon {

/// Images [first, first + count) of a stream, as u8 NHWC.
using ImageSource = std::function<Tensor(int64_t first, int64_t count)>;

/// What one pass over a set of images leaves behind.
struct FeaturePass {
  Moments moments;
  Tensor logits;    ///< f64 [n, classes]
  Tensor features;  ///< f64 [n, d]; [0, d] unless kept
};

/// Extracts `n` images in chunks; `progress` (may be empty) is told the share that is done.
FeaturePass run_feature_pass(FeatureExtractor& extractor, int64_t n, const ImageSource& source,
                             bool keep_features, const std::function<void(double)>& progress);

/// Images [first, first + count) of a data set.
Tensor read_images(const Dataset& dataset, int64_t first, int64_t count);

}  // namespace agon
