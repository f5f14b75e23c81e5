#include <algorithm>
#include <set>

#include "agon/dataset.h"

#include "catch.h"
#include "data/glyph_pen.h"
#include "io/file.h"
#include "support/refusals.h"

using namespace agon;

namespace {

DatasetPtr glyph_set(int height, int width, int channels, uint64_t seed = 0) {
  DatasetOptions options;
  options.height = height;
  options.width = width;
  options.channels = channels;
  options.seed = seed;
  return open_dataset("glyphs", options);
}

std::vector<uint8_t> pixels_of(const Dataset& set, uint64_t index) {
  std::vector<uint8_t> pixels(set.shape().bytes());
  set.read(index, pixels);
  return pixels;
}

/// CRC-32 of the labels and pixels of the first 200 images, and of some far away.
uint32_t crc_of(const Dataset& set) {
  uint32_t crc = 0;
  std::vector<uint8_t> pixels(set.shape().bytes());
  for (uint64_t i = 0; i < 203; ++i) {
    const int32_t label = set.read(i < 200 ? i : ~uint64_t{0} - i, pixels);
    crc = crc32_of(std::as_bytes(std::span(&label, 1)), crc);
    crc = crc32_of(std::as_bytes(std::span(pixels)), crc);
  }
  return crc;
}

}  // namespace

// Were one operation of the drawing path machine dependent, or changed, seeds would no longer give the same
// pixels.
TEST_CASE("glyphs have the same pixels on every machine") {
  CHECK(crc_of(*glyph_set(28, 28, 1)) == 0xcd1b284du);
  CHECK(crc_of(*glyph_set(64, 64, 3)) == 0x25893622u);
  CHECK(crc_of(*glyph_set(33, 47, 3, 0x123456789abcdef)) == 0x408f4e16u);
}

// Were images to repeat or seeds to have no effect, "unlimited" would be an untruth.
TEST_CASE("glyphs differ from index to index and from seed to seed, at any size") {
  const DatasetPtr set = glyph_set(28, 28, 1);
  CHECK(set->unlimited());
  CHECK(set->size() == 60000);
  std::set<std::vector<uint8_t>> seen;
  for (uint64_t i = 0; i < 500; ++i) seen.insert(pixels_of(*set, i));
  seen.insert(pixels_of(*set, ~uint64_t{0}));
  seen.insert(pixels_of(*glyph_set(28, 28, 1, 1), 0));
  CHECK(seen.size() == 502);
  for (auto [height, width] : {std::pair{1, 1}, {2, 9}, {300, 200}})
    for (int channels : {1, 3}) CHECK_NOTHROW(pixels_of(*glyph_set(height, width, channels), 3));
}

// Were classes unequal or labels wrong, class-wise metrics on the default data set would be off.
TEST_CASE("glyphs have ten classes, equally often, and label() agrees with read()") {
  const DatasetPtr set = glyph_set(8, 8, 1);
  std::vector<uint8_t> pixels(64);
  std::vector<int> counts(10);
  for (uint64_t i = 0; i < 5000; ++i) {
    const int32_t label = set->read(i, pixels);
    CHECK(label == set->label(i));
    ++counts[static_cast<size_t>(label)];
  }
  for (int count : counts) CHECK((count > 400 && count < 600));
}

// Were strokes cut by the border, drawn in parts or faint, the digits could not be recognised.
TEST_CASE("glyphs are bright, whole and inside of the image") {
  const DatasetPtr set = glyph_set(64, 64, 1);
  for (uint64_t i = 0; i < 300; ++i) {
    const auto pixels = pixels_of(*set, i);
    const auto ground = pixels[0];
    CHECK(ground <= 16);
    CHECK(*std::ranges::max_element(pixels) >= 200);
    int ink = 0;
    for (size_t at = 0; at < pixels.size(); ++at) {
      const bool border = at / 64 == 0 || at / 64 == 63 || at % 64 == 0 || at % 64 == 63;
      if (border) CHECK(pixels[at] == ground);
      ink += pixels[at] > 128;
    }
    CHECK((ink > 64 * 64 / 50 && ink < 64 * 64 / 3));
  }
}

// Were a class closer to another's mean than to its own, the drawing of its strokes would be broken.
TEST_CASE("glyphs can be told apart by their nearest class mean") {
  const DatasetPtr set = glyph_set(16, 16, 1);
  std::vector<std::vector<double>> means(10, std::vector<double>(256));
  std::vector<int> counts(10);
  for (uint64_t i = 0; i < 3000; ++i) {
    const auto pixels = pixels_of(*set, i);
    const auto label = static_cast<size_t>(set->label(i));
    ++counts[label];
    for (size_t p = 0; p < 256; ++p) means[label][p] += pixels[p];
  }
  int right = 0;
  for (uint64_t i = 3000; i < 4000; ++i) {
    const auto pixels = pixels_of(*set, i);
    size_t best = 0;
    double least = 1e300;
    for (size_t c = 0; c < 10; ++c) {
      double distance = 0;
      for (size_t p = 0; p < 256; ++p) {
        const double d = pixels[p] - means[c][p] / counts[c];
        distance += d * d;
      }
      if (distance < least) {
        least = distance;
        best = c;
      }
    }
    right += static_cast<int32_t>(best) == set->label(i);
  }
  CHECK(right > 600);
}

// Were ink and ground alike, digits in colour would vanish.
TEST_CASE("coloured glyphs stand out from their ground") {
  const DatasetPtr set = glyph_set(32, 32, 3);
  int colourful = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    Image image(32, 32, 3);
    set->read(i, image.pixels);
    const auto grey = with_channels(image, 1).pixels;
    const auto [darkest, lightest] = std::ranges::minmax(grey);
    CHECK(lightest - darkest >= 70);
    colourful += with_channels(with_channels(image, 1), 3) != image;
  }
  CHECK(colourful == 300);
}

// Were a root off by one, edges of strokes would be ragged, and differently so from machine to machine.
TEST_CASE("the integer square root is the floor of the root") {
  using agon::glyphs::integer_sqrt;
  for (uint64_t v = 0; v < 70000; ++v) {
    const uint64_t r = integer_sqrt(v);
    CHECK((r * r <= v && (r + 1) * (r + 1) > v));
  }
  for (uint64_t r : {uint64_t{65535}, uint64_t{65536}, uint64_t{1234567890}, (uint64_t{1} << 32) - 1}) {
    CHECK(integer_sqrt(r * r) == r);
    CHECK(integer_sqrt(r * r - 1) == r - 1);
    CHECK(integer_sqrt(r * r + 2 * r) == r);
  }
}

// Were coverage not a distance to the line, thickness would depend on the direction of a stroke.
TEST_CASE("a drawn line has its thickness in every direction and round ends") {
  const int size = 64;
  for (auto [x, y] : {std::pair{32 * 256, 12 * 256}, {12 * 256, 32 * 256}, {18 * 256, 18 * 256}}) {
    std::vector<uint8_t> coverage(size * size);
    // Length 40 or 39.6 pixels, radius 3: area 2 r l + pi r^2.
    glyphs::draw_line({x, y, 768}, {64 * 256 - x, 64 * 256 - y, 768}, size, size, coverage);
    double area = 0;
    for (uint8_t c : coverage) area += c / 255.0;
    const double dx = 64 - 2 * x / 256.0, dy = 64 - 2 * y / 256.0;
    CHECK(area == Approx(6 * std::sqrt(dx * dx + dy * dy) + 3.14159 * 9).epsilon(0.02));
  }
  std::vector<uint8_t> dot(size * size);
  glyphs::draw_line({32 * 256, 32 * 256, 1280}, {32 * 256, 32 * 256, 1280}, size, size, dot);
  double area = 0;
  for (uint8_t c : dot) area += c / 255.0;
  CHECK(area == Approx(3.14159 * 25).epsilon(0.02));
}

// Were impossible shapes accepted, drawing would fail far from the cause.
TEST_CASE("impossible glyph shapes are refused") {
  error_of(ErrorKind::usage, [] { glyph_set(28, 28, 2); });
  error_of(ErrorKind::usage, [] { glyph_set(-1, 28, 1); });
  error_of(ErrorKind::usage, [] { glyph_set(28, 1 << 20, 1); });
}
