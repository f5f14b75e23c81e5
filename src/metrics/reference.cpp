#include "metrics/reference.h"

#include <algorithm>

#include "metrics/cache_file.h"
#include "metrics/feature_pass.h"

namespace agon {
namespace {

/// The statistics of a cache file; nothing where it lacks one or one has another shape.
std::optional<ReferenceStatistics> unpack(const Safetensors& file, int64_t n, int64_t d, int64_t kept) {
  const auto fetch = [&](const char* name, const Shape& shape) {
    const Tensor* tensor = file.find(name);
    const bool fits = tensor != nullptr && tensor->dtype() == DType::f64 && tensor->shape() == shape;
    return fits ? *tensor : Tensor();
  };
  const Tensor mu = fetch("mu", {d}), sigma = fetch("sigma", {d, d}), score = fetch("inception_score", {2}),
               features = fetch("features", {kept, d});
  if (mu.shape() != Shape{d} || sigma.shape() != Shape{d, d} || score.shape() != Shape{2} ||
      features.shape() != Shape{kept, d})
    return std::nullopt;
  return ReferenceStatistics{{n, mu, sigma}, {score.as<double>()[0], score.as<double>()[1]}, features};
}

}  // namespace

ReferenceStatistics reference_statistics(FeatureExtractor& extractor, const Dataset& dataset,
                                         const EvaluateOptions& options) {
  const ExtractorInfo& info = extractor.info();
  const int64_t n = std::min(options.reference, static_cast<int64_t>(dataset.size()));
  check(n >= 2 && n >= options.splits, ErrorKind::usage,
        "evaluation: {} images of the data set are too few for {} splits", n, options.splits);
  const CacheFile cache(options.cache, "reference",
                        {{"dataset", dataset.fingerprint()},
                         {"images", std::to_string(n)},
                         {"splits", std::to_string(options.splits)},
                         {"features", options.kernel_distance ? "kept" : "dropped"},
                         {"extractor", info.protocol + " " + info.weights}});
  if (const auto file = cache.read())
    if (auto found = unpack(*file, n, info.features, options.kernel_distance ? n : 0)) return *found;

  const FeaturePass pass = run_feature_pass(
      extractor, n, [&](int64_t first, int64_t count) { return read_images(dataset, first, count); },
      options.kernel_distance, {});
  ReferenceStatistics result{pass.moments.gaussian(), inception_score(pass.logits, options.splits),
                             pass.features};
  const std::array score{result.inception_score.mean, result.inception_score.std};
  cache.write(std::array<NamedTensor, 4>{{{"mu", result.gaussian.mean},
                                          {"sigma", result.gaussian.covariance},
                                          {"inception_score", Tensor::of<double>({2}, score)},
                                          {"features", result.features}}});
  return result;
}

}  // namespace agon
