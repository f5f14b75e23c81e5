#pragma once
#include "agon/dataset.h"

namespace agon {

/// Openers of one kind each; `path` is the part of the SPEC after the colon.
DatasetPtr open_idx(const std::filesystem::path& path, const DatasetOptions& options);
DatasetPtr open_cifar10(const std::filesystem::path& path, const DatasetOptions& options);
DatasetPtr open_folder(const std::filesystem::path& path, const DatasetOptions& options);
DatasetPtr open_glyphs(const DatasetOptions& options);

/// The shape wanted by `options`, the set's own where it says 0. Throws Error(usage) for an impossible one.
ImageShape wanted_shape(const DatasetOptions& options, const ImageShape& own);

/// `image` in the shape wanted: resized to cover it, cropped at the centre, channels converted.
Image fitted(const Image& image, const ImageShape& wanted, ResizeFilter filter);

}  // namespace agon
