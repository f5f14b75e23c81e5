#pragma once
#include <filesystem>
#include <functional>
#include <memory>

#include "agon/dataset.h"
#include "agon/feature_extractor.h"
#include "agon/program.h"

namespace agon {

struct ClassifierOptions {
  int64_t steps = 1000;
  int batch_size = 64;
  uint64_t seed = 0;                          ///< of weights, order, crops and of the part that is held back
  int64_t judged = 10000;                     ///< held-back images at most that accuracy is measured on
  std::filesystem::path cache = {};           ///< folder that keeps trained classifiers; empty: keep none
  std::function<void(double)> progress = {};  ///< told the share that is done, 0..1
};

/// A small convolutional classifier, trained on four fifths of a labelled data set, as feature extractor.
///
/// The network is LeNet-5's (LeCun et al. 1998) with wider layers, ReLU and max pooling: conv 5x5 to 16,
/// pool, conv 5x5 to 32, pool, linear to 128 (the features, after ReLU), dropout 0.3, linear to the classes.
/// Images enter with 16 to 32 pixels a side, resized where they are smaller or larger. Training: Adam 3e-3,
/// linearly to 0, crops shifted by up to 2 pixels.
class Classifier : public FeatureExtractor {
 public:
  explicit Classifier(std::unique_ptr<FeatureExtractor> network, ConfusionMatrix held_back);

  const ExtractorInfo& info() const override { return network_->info(); }
  Features extract(const Tensor& images) override { return network_->extract(images); }
  /// Its judgement of the fifth of the data set that it was not trained on.
  std::optional<ConfusionMatrix> held_back() const override { return held_back_; }

 private:
  std::unique_ptr<FeatureExtractor> network_;
  ConfusionMatrix held_back_;
};

/// Trains, or reads from options.cache what an earlier call with the same data set, backend and options left
/// there. The same seed, backend and thread count give the same classifier. Throws Error(usage) for a data
/// set without labels or too small to be split.
std::shared_ptr<Classifier> train_classifier(std::shared_ptr<Backend> backend, DatasetPtr dataset,
                                             const ClassifierOptions& options = {});

/// The classifier of the data set itself, or, for one without labels, that of the procedural digits in the
/// same image shape: the extractor that scores a generator where no other is given.
std::shared_ptr<Classifier> default_extractor(std::shared_ptr<Backend> backend, DatasetPtr dataset,
                                              const ClassifierOptions& options = {});

}  // namespace agon
