#include "agon/image.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "agon/error.h"

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/image_codecs.h"

namespace agon {
namespace {

enum class Format { png, jpeg };

Format format_of(std::span<const std::byte> file, const std::string& where) {
  constexpr unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  constexpr unsigned char jpeg[] = {0xff, 0xd8, 0xff};
  if (file.size() >= sizeof png && std::memcmp(file.data(), png, sizeof png) == 0) return Format::png;
  if (file.size() >= sizeof jpeg && std::memcmp(file.data(), jpeg, sizeof jpeg) == 0) return Format::jpeg;
  check(!file.empty(), ErrorKind::data, "{}: is empty, not a PNG or JPEG image; remove it", where);
  const auto start = file.first(std::min<size_t>(file.size(), 64));
  const bool text = std::ranges::all_of(start, [](std::byte b) {
    const auto c = static_cast<unsigned char>(b);
    return c >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
  fail(ErrorKind::data, "{}: is {}, not a PNG or JPEG image; remove or convert it", where,
       text ? "a text file" : "some other format");
}

void check_image(const Image& image) {
  const bool whole = image.height > 0 && image.width > 0 && (image.channels == 1 || image.channels == 3) &&
                     image.pixels.size() == static_cast<size_t>(image.height) *
                                                static_cast<size_t>(image.width) *
                                                static_cast<size_t>(image.channels);
  check(whole, ErrorKind::usage, "image: {}x{} with {} channels and {} bytes; 1 or 3 channels are possible",
        image.height, image.width, image.channels, image.pixels.size());
}

}  // namespace

Image::Image(int height_, int width_, int channels_)
    : height(height_),
      width(width_),
      channels(channels_),
      pixels(static_cast<size_t>(height_) * static_cast<size_t>(width_) * static_cast<size_t>(channels_)) {}

void check_image_size(uint64_t height, uint64_t width, const std::string& where) {
  constexpr uint64_t limit = uint64_t{1} << 28;
  check(height > 0 && width > 0, ErrorKind::data, "{}: an image of {}x{} pixels", where, width, height);
  check(height <= limit && width <= limit && height * width <= limit, ErrorKind::data,
        "{}: an image of {}x{} pixels is more than Agon reads (2^28 pixels)", where, width, height);
}

bool sniff_alpha(const std::filesystem::path& path) {
  constexpr size_t colour_type = 25;  // in a PNG's first chunk; its bit 2 says alpha
  const auto start = read_file_start(path, 64);
  return format_of(start, path.string()) == Format::png && start.size() > colour_type &&
         (start[colour_type] & std::byte{4}) != std::byte{0};
}

Image read_image(const std::filesystem::path& path) {
  const std::string where = path.string();
  const auto file = read_file(path);
  return format_of(file, where) == Format::png ? decode_png(file, where) : decode_jpeg(file, where);
}

ImageInfo read_image_info(const std::filesystem::path& path) {
  const std::string where = path.string();
  // A JPEG's frame header may come late, after thumbnails and profiles; a PNG's transparency chunk too.
  const auto file = read_file(path);
  return format_of(file, where) == Format::png ? png_info(file, where) : jpeg_info(file, where);
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image));
}

Image with_channels(const Image& image, int channels) {
  check_image(image);
  check(channels == 1 || channels == 3, ErrorKind::usage, "image: {} channels asked for; 1 or 3 are possible",
        channels);
  if (channels == image.channels) return image;
  Image result(image.height, image.width, channels);
  const uint8_t* from = image.pixels.data();
  if (channels == 3) {
    for (size_t i = 0; i < image.pixels.size(); ++i) std::fill_n(&result.pixels[3 * i], 3, from[i]);
  } else {
    // The weights in 16 bits: they add up to 2^16.
    for (size_t i = 0; i < result.pixels.size(); ++i, from += 3)
      result.pixels[i] =
          static_cast<uint8_t>((19595u * from[0] + 38470u * from[1] + 7471u * from[2] + 32768u) >> 16);
  }
  return result;
}

Image crop(const Image& image, int top, int left, int height, int width) {
  check_image(image);
  check(top >= 0 && left >= 0 && height > 0 && width > 0 && height <= image.height - top &&
            width <= image.width - left,
        ErrorKind::usage, "image: window of {}x{} at ({}, {}) lies outside of {}x{}", width, height, left,
        top, image.width, image.height);
  Image result(height, width, image.channels);
  const auto stride = static_cast<size_t>(image.width * image.channels);
  const auto row = static_cast<size_t>(width * image.channels);
  for (int y = 0; y < height; ++y)
    std::copy_n(
        &image.pixels[static_cast<size_t>(top + y) * stride + static_cast<size_t>(left * image.channels)],
        row, &result.pixels[static_cast<size_t>(y) * row]);
  return result;
}

Image resize_and_crop(const Image& image, int height, int width, ResizeFilter filter) {
  check_image(image);
  check(height > 0 && width > 0, ErrorKind::usage, "image: size {}x{} asked for", width, height);
  // Integers, so that the covering size is the same everywhere: the tighter side fits exactly.
  const auto rounded = [](int64_t a, int64_t b, int64_t by) {
    return static_cast<int>((a * b + by / 2) / by);
  };
  int covering_height = height, covering_width = width;
  if (static_cast<int64_t>(image.height) * width >= static_cast<int64_t>(image.width) * height)
    covering_height = std::max(height, rounded(image.height, width, image.width));
  else
    covering_width = std::max(width, rounded(image.width, height, image.height));
  const Image covering = resize(image, covering_height, covering_width, filter);
  return crop(covering, (covering_height - height) / 2, (covering_width - width) / 2, height, width);
}

void to_bytes(std::span<const float> values, std::span<uint8_t> bytes) {
  check(values.size() == bytes.size(), ErrorKind::usage, "to_bytes: {} values for {} bytes", values.size(),
        bytes.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const float scaled = values[i] * 127.5f + 127.5f;
    // Written so that NaN fails the comparison.
    const float clamped = scaled > 0.0f ? std::min(scaled, 255.0f) : 0.0f;
    bytes[i] = static_cast<uint8_t>(std::lrintf(clamped));
  }
}

void to_floats(std::span<const uint8_t> bytes, std::span<float> values) {
  check(values.size() == bytes.size(), ErrorKind::usage, "to_floats: {} bytes for {} values", bytes.size(),
        values.size());
  for (size_t i = 0; i < bytes.size(); ++i) values[i] = static_cast<float>(bytes[i]) / 127.5f - 1.0f;
}

Image image_grid(const Tensor& images, int columns, int padding, uint8_t ground) {
  const Shape& shape = images.shape();
  check(shape.rank() == 4 && shape.numel() > 0 && (shape[3] == 1 || shape[3] == 3), ErrorKind::usage,
        "image_grid: images NHWC with 1 or 3 channels expected, got {}", shape.str());
  check(columns >= 0 && padding >= 0, ErrorKind::usage, "image_grid: {} columns, padding {}", columns,
        padding);
  const auto count = static_cast<int>(shape[0]), height = static_cast<int>(shape[1]),
             width = static_cast<int>(shape[2]), channels = static_cast<int>(shape[3]);
  if (columns == 0) columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
  columns = std::min(columns, count);
  const int rows = (count + columns - 1) / columns;
  Image grid(rows * (height + padding) + padding, columns * (width + padding) + padding, channels);
  std::ranges::fill(grid.pixels, ground);
  const auto values = images.as<float>();
  const auto row = static_cast<size_t>(width * channels);
  for (int i = 0; i < count; ++i) {
    const int top = padding + i / columns * (height + padding),
              left = padding + i % columns * (width + padding);
    for (int y = 0; y < height; ++y) {
      const size_t from =
          (static_cast<size_t>(i) * static_cast<size_t>(height) + static_cast<size_t>(y)) * row;
      const size_t to = static_cast<size_t>(((top + y) * grid.width + left) * channels);
      to_bytes(values.subspan(from, row), std::span(grid.pixels).subspan(to, row));
    }
  }
  return grid;
}

}  // namespace agon
