#include "agon/image.h"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "catch.h"
#include "io/file.h"
#include "support/refusals.h"

using namespace agon;

namespace {

Image pattern(int height, int width, int channels) {
  Image image(height, width, channels);
  size_t i = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        image.pixels[i++] = static_cast<uint8_t>((x * x * 7 + y * 13 + x * y * 5 + c * 91) % 256);
  return image;
}

uint32_t crc_of(const Image& image) {
  return crc32_of(std::as_bytes(std::span(image.pixels)));
}

}  // namespace

// Were the resampling not PIL's to the bit, distances would differ from those of tools that resize with PIL.
TEST_CASE("resize equals Pillow 13.0 bit for bit") {
  struct Case {
    int height, width, channels, to_height, to_width;
    ResizeFilter filter;
    uint32_t crc;
  };
  const Case cases[] = {
      {37, 53, 3, 16, 16, ResizeFilter::bilinear, 0xdba0acc9u},
      {37, 53, 3, 16, 16, ResizeFilter::bicubic, 0xb26c58c1u},
      {37, 53, 3, 16, 16, ResizeFilter::lanczos, 0x9d7f05deu},
      {37, 53, 3, 64, 80, ResizeFilter::bilinear, 0xf65c1fd8u},
      {37, 53, 3, 64, 80, ResizeFilter::bicubic, 0xada44fd5u},
      {37, 53, 3, 64, 80, ResizeFilter::lanczos, 0x6112ed84u},
      {20, 31, 1, 28, 9, ResizeFilter::bilinear, 0xf8a7c892u},
      {20, 31, 1, 28, 9, ResizeFilter::bicubic, 0xb33713ccu},
      {20, 31, 1, 28, 9, ResizeFilter::lanczos, 0xea1cb015u},
      {29, 29, 3, 29, 7, ResizeFilter::bilinear, 0x84c613f6u},
      {29, 29, 3, 29, 7, ResizeFilter::bicubic, 0x68526606u},
      {29, 29, 3, 29, 7, ResizeFilter::lanczos, 0x92628eedu},
  };
  for (const Case& c : cases) {
    INFO(c.width << "x" << c.height << "x" << c.channels << " to " << c.to_width << "x" << c.to_height
                 << ", filter " << static_cast<int>(c.filter));
    CHECK(crc_of(resize(pattern(c.height, c.width, c.channels), c.to_height, c.to_width, c.filter)) == c.crc);
  }
}

// Were the luma weights others, grey versions of colour sets would differ from PIL's "L".
TEST_CASE("RGB to grey equals Pillow's L, and grey to RGB repeats the value") {
  CHECK(crc_of(with_channels(pattern(37, 53, 3), 1)) == 0x86a30eb0u);
  const Image grey = pattern(5, 4, 1);
  const Image rgb = with_channels(grey, 3);
  for (size_t i = 0; i < rgb.pixels.size(); ++i) CHECK(rgb.pixels[i] == grey.pixels[i / 3]);
  CHECK(with_channels(rgb, 1) == grey);
  error_of(ErrorKind::usage, [&] { with_channels(rgb, 4); });
}

// Were the aspect not kept or the crop off centre, faces and digits would be squeezed or cut.
TEST_CASE("resize_and_crop keeps the aspect and the centre") {
  // A grey square of 20x20 in the middle of a black 60x20 stripe fills the whole of the result.
  Image stripe(20, 60, 1);
  for (int y = 0; y < 20; ++y)
    for (int x = 20; x < 40; ++x) stripe.pixels[static_cast<size_t>(y * 60 + x)] = 100;
  const Image square = resize_and_crop(stripe, 20, 20);
  for (uint8_t p : square.pixels) CHECK(p == 100);
  const Image same = pattern(12, 8, 3);
  CHECK(resize_and_crop(same, 12, 8) == same);
  for (auto [height, width] : {std::pair{7, 31}, {31, 7}, {100, 3}, {1, 1}}) {
    const Image any = resize_and_crop(pattern(13, 29, 3), height, width);
    CHECK((any.height == height && any.width == width));
  }
  error_of(ErrorKind::usage, [&] { crop(same, 5, 0, 8, 8); });
}

// Were floats cut instead of rounded, or NaN cast, samples would darken or depend on the compiler.
TEST_CASE("floats become bytes by rounding, clamping and NaN to black") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::array<float, 8> values{-1.0f, 1.0f, 0.0f, -7.0f, inf, -inf, nan, 0.9999f};
  std::array<uint8_t, 8> bytes{};
  to_bytes(values, bytes);
  CHECK(bytes == std::array<uint8_t, 8>{0, 255, 128, 0, 255, 0, 0, 255});
}

// Were the two maps not inverse, real images would change on their way through the engine.
TEST_CASE("every byte survives the way to [-1, 1] and back") {
  std::array<uint8_t, 256> bytes{}, back{};
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  std::array<float, 256> values{};
  to_floats(bytes, values);
  CHECK(values.front() == -1.0f);
  CHECK(values.back() == 1.0f);
  to_bytes(values, back);
  CHECK(back == bytes);
}

// Were a tile misplaced, the sample grid would show shuffled or overlapping images.
TEST_CASE("an image grid places each tile with padding") {
  Tensor images(DType::f32, {5, 2, 3, 3});
  auto values = images.as<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i / 18) / 127.5f * 10.0f - 1.0f;
  const Image grid = image_grid(images, 2, 1, 200);
  REQUIRE((grid.height == 3 * 3 + 1 && grid.width == 2 * 4 + 1 && grid.channels == 3));
  for (int y = 0; y < grid.height; ++y)
    for (int x = 0; x < grid.width; ++x) {
      const bool gap = y % 3 == 0 || x % 4 == 0;
      const int tile = y / 3 * 2 + x / 4;
      const int expected = gap || tile >= 5 ? 200 : 10 * tile;
      for (int c = 0; c < 3; ++c)
        CHECK(grid.pixels[static_cast<size_t>((y * grid.width + x) * 3 + c)] == expected);
    }
  CHECK(image_grid(Tensor(DType::f32, {10, 4, 4, 1}), 0, 0).width == 16);
  error_of(ErrorKind::usage, [] { image_grid(Tensor(DType::f32, {1, 4, 4, 2})); });
}
