#pragma once
#include <string_view>

#include "agon/dataset.h"

namespace agon {

/// Images that a file holds raw, as read.
struct RawImages {
  ImageShape shape;
  std::vector<uint8_t> pixels;  ///< image after image, HWC
  std::vector<int32_t> labels;  ///< one an image, or none at all
  std::vector<std::string> class_names;
};

/// A data set held in memory, in the shape that `options` ask for. `kind` starts the fingerprint.
DatasetPtr make_memory_dataset(std::string_view kind, RawImages raw, const DatasetOptions& options);

}  // namespace agon
