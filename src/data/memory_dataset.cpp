#include "data/memory_dataset.h"

#include <algorithm>

#include "agon/error.h"

#include "data/kinds.h"
#include "io/file.h"

namespace agon {
namespace {

class MemoryDataset : public Dataset {
 public:
  MemoryDataset(DatasetTraits traits, std::vector<uint8_t> pixels, std::vector<int32_t> labels)
      : Dataset(std::move(traits)), pixels_(std::move(pixels)), labels_(std::move(labels)) {}

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    std::copy_n(&pixels_[index * pixels.size()], pixels.size(), pixels.begin());
  }
  int32_t read_label(uint64_t index) const override { return labels_.empty() ? -1 : labels_[index]; }

 private:
  std::vector<uint8_t> pixels_;
  std::vector<int32_t> labels_;
};

std::vector<uint8_t> fitted_all(const RawImages& raw, uint64_t count, const ImageShape& wanted,
                                ResizeFilter filter) {
  std::vector<uint8_t> pixels(count * wanted.bytes());
  Image image(raw.shape.height, raw.shape.width, raw.shape.channels);
  for (uint64_t i = 0; i < count; ++i) {
    std::copy_n(&raw.pixels[i * raw.shape.bytes()], raw.shape.bytes(), image.pixels.begin());
    std::ranges::copy(fitted(image, wanted, filter).pixels, &pixels[i * wanted.bytes()]);
  }
  return pixels;
}

}  // namespace

DatasetPtr make_memory_dataset(std::string_view kind, RawImages raw, const DatasetOptions& options) {
  const ImageShape wanted = wanted_shape(options, raw.shape);
  const uint64_t count = raw.pixels.size() / raw.shape.bytes();
  if (wanted != raw.shape) raw.pixels = fitted_all(raw, count, wanted, options.filter);
  const uint32_t crc =
      crc32_of(std::as_bytes(std::span(raw.labels)), crc32_of(std::as_bytes(std::span(raw.pixels))));
  DatasetTraits traits{.shape = wanted,
                       .size = count,
                       .unlimited = false,
                       .class_names = std::move(raw.class_names),
                       .fingerprint = fmt::format("{} {} {} crc32:{:08x}", kind, count, wanted.str(), crc)};
  return std::make_shared<MemoryDataset>(std::move(traits), std::move(raw.pixels), std::move(raw.labels));
}

}  // namespace agon
