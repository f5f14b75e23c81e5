#include "metrics/feature_pass.h"

#include <algorithm>

namespace agon {
namespace {

constexpr int64_t images_per_chunk = 1024;

void put_rows(const Tensor& from, const Tensor& to, int64_t at) {
  const auto values = from.as<double>();
  std::copy(values.begin(), values.end(), to.as<double>().begin() + at * to.shape()[1]);
}

}  // namespace

FeaturePass run_feature_pass(FeatureExtractor& extractor, int64_t n, const ImageSource& source,
                             bool keep_features, const std::function<void(double)>& progress) {
  const ExtractorInfo& info = extractor.info();
  FeaturePass pass{Moments(info.features), Tensor(DType::f64, {n, info.classes}),
                   Tensor(DType::f64, {keep_features ? n : 0, info.features})};
  for (int64_t at = 0; at < n; at += images_per_chunk) {
    const int64_t count = std::min(images_per_chunk, n - at);
    const Tensor images = source(at, count);
    check(images.shape().rank() == 4 && images.shape()[0] == count, ErrorKind::usage,
          "image source: {} where {} images were asked for", images.shape().str(), count);
    const Features part = extractor.extract(images);
    pass.moments.add(part.features);
    put_rows(part.logits, pass.logits, at);
    if (keep_features) put_rows(part.features, pass.features, at);
    if (progress) progress(static_cast<double>(at + count) / static_cast<double>(n));
  }
  return pass;
}

Tensor read_images(const Dataset& dataset, int64_t first, int64_t count) {
  const ImageShape& shape = dataset.shape();
  Tensor images(DType::u8, {count, shape.height, shape.width, shape.channels});
  for (int64_t i = 0; i < count; ++i)
    dataset.read(static_cast<uint64_t>(first + i),
                 images.as<uint8_t>().subspan(static_cast<size_t>(i) * shape.bytes(), shape.bytes()));
  return images;
}

}  // namespace agon
