#include "metrics/fitted_dataset.h"

#include <algorithm>

#include "metrics/graph_extractor.h"

namespace agon {
namespace {

class FittedDataset : public Dataset {
 public:
  FittedDataset(DatasetPtr source, DatasetTraits traits)
      : Dataset(std::move(traits)), source_(std::move(source)) {}

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    const ImageShape& own = source_->shape();
    const Tensor image(DType::u8, {1, own.height, own.width, own.channels});
    source_->read(index, image.as<uint8_t>());
    const Tensor fit = fit_images(image, shape());
    std::ranges::copy(fit.as<uint8_t>(), pixels.begin());
  }
  int32_t read_label(uint64_t index) const override { return source_->label(index); }

 private:
  DatasetPtr source_;
};

}  // namespace

DatasetPtr fitted(DatasetPtr dataset, const ImageShape& shape) {
  if (dataset->shape() == shape) return dataset;
  DatasetTraits traits{.shape = shape,
                       .size = dataset->size(),
                       .unlimited = dataset->unlimited(),
                       .class_names = dataset->class_names(),
                       .fingerprint = dataset->fingerprint() + " fitted:" + shape.str()};
  return std::make_shared<FittedDataset>(std::move(dataset), std::move(traits));
}

}  // namespace agon
