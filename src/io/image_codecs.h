#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "agon/image.h"

namespace agon {

/// Decoders of one format each, for a whole file in memory; `where` names it in errors.
Image decode_png(std::span<const std::byte> file, const std::string& where);
ImageInfo png_info(std::span<const std::byte> file, const std::string& where);
Image decode_jpeg(std::span<const std::byte> file, const std::string& where);
ImageInfo jpeg_info(std::span<const std::byte> file, const std::string& where);

/// Looks at the first bytes of a file only: throws Error(data) unless they are a PNG's or JPEG's; true where
/// a PNG says that it has an alpha channel.
bool sniff_alpha(const std::filesystem::path& path);

/// Refuses sizes that only a hostile file has, before memory is asked for.
void check_image_size(uint64_t height, uint64_t width, const std::string& where);

}  // namespace agon
