#include "agon/dataset.h"

#include "agon/error.h"

namespace agon {

std::string ImageShape::str() const {
  return fmt::format("{}x{}x{}", height, width, channels);
}

void Dataset::check_index(uint64_t index) const {
  check(unlimited() || index < size(), ErrorKind::usage, "data set: image {} of {} asked for", index, size());
}

int32_t Dataset::read(uint64_t index, std::span<uint8_t> pixels) const {
  check_index(index);
  check(pixels.size() == shape().bytes(), ErrorKind::usage, "data set: {} bytes for an image of {}",
        pixels.size(), shape().str());
  read_pixels(index, pixels);
  return read_label(index);
}

int32_t Dataset::label(uint64_t index) const {
  check_index(index);
  return read_label(index);
}

}  // namespace agon
