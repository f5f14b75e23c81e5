#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "agon/tensor.h"

namespace agon {

/// An 8-bit image: rows top to bottom, pixels left to right, channels innermost (HWC). 1 channel is grey, 3
/// are RGB.
struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;

  Image() = default;
  /// Black.
  Image(int height, int width, int channels);
  bool operator==(const Image&) const = default;
};

/// What a file says of itself before its pixels are decoded.
struct ImageInfo {
  int height = 0, width = 0;
  int channels = 0;        ///< of the Image that read_image gives: 1 or 3
  bool has_alpha = false;  ///< transparency, which read_image composites on white
};

/// Reads a PNG or JPEG file, told apart by content, not by name.
/// - Palettes and 1-, 2-, 4-bit grey become 8-bit RGB or grey; 16 bits are rounded to 8.
/// - Transparency is composited on white, in the stored (gamma-encoded) values, as browsers do.
/// - CMYK and YCCK JPEGs become RGB by (255 - ink) (255 - black) / 255.
/// - Pixels are as stored: colour profiles, gamma chunks and EXIF orientation are not applied (as in PIL and
///   torchvision, so that metrics agree with tools built on them).
/// Throws Error(data) for anything else, damaged and truncated files included; Error(io) where it cannot be
/// read.
Image read_image(const std::filesystem::path& path);
ImageInfo read_image_info(const std::filesystem::path& path);

/// 8-bit grey or RGB PNG. The same image gives the same bytes (for one version of zlib).
std::vector<std::byte> encode_png(const Image& image);
/// Written atomically. Throws Error(io).
void write_png(const std::filesystem::path& path, const Image& image);

/// Grey to RGB repeats the value; RGB to grey is the luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601,
/// rounded), PIL's "L". `channels` is 1 or 3.
Image with_channels(const Image& image, int channels);

enum class ResizeFilter { bilinear, bicubic, lanczos };

/// Separable resampling whose filter widens with the reduction, so that shrinking does not alias; bit for bit
/// what PIL's Image.resize gives (8-bit, coefficients in 22-bit fixed point). bicubic has a = -0.5.
Image resize(const Image& image, int height, int width, ResizeFilter filter = ResizeFilter::bicubic);

/// The window of height x width whose top left pixel is (top, left); it must lie inside of the image.
Image crop(const Image& image, int top, int left, int height, int width);

/// Resizes so that the image just covers height x width (aspect kept), then crops the centre.
Image resize_and_crop(const Image& image, int height, int width, ResizeFilter filter = ResizeFilter::bicubic);

/// [-1, 1] to 0..255 by round(127.5 x + 127.5), clamped; NaN becomes 0. Spans of equal size.
void to_bytes(std::span<const float> values, std::span<uint8_t> bytes);

/// 0..255 to [-1, 1] by x / 127.5 - 1. Spans of equal size.
void to_floats(std::span<const uint8_t> bytes, std::span<float> values);

/// Tiles f32 images NHWC in [-1, 1] (C is 1 or 3) into one picture, row by row, `columns` to a row (0: as
/// square as can be), with `padding` pixels of `ground` around every tile.
Image image_grid(const Tensor& images, int columns = 0, int padding = 2, uint8_t ground = 255);

}  // namespace agon
