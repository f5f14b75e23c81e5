#pragma once
#include "agon/dataset.h"

namespace agon {

/// The data set with its images fitted (see fit_images) to `shape`; itself where they are so already.
DatasetPtr fitted(DatasetPtr dataset, const ImageShape& shape);

}  // namespace agon
