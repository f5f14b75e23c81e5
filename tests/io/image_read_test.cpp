#include <algorithm>
#include <cstdlib>

#include "agon/image.h"

#include "catch.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "support/image_files.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;
using Pixels = std::vector<uint8_t>;

namespace {

Image ramp(int height, int width, int channels) {
  Image image(height, width, channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 37 + i / 11);
  return image;
}

int largest_difference(const Pixels& a, const Pixels& b) {
  REQUIRE(a.size() == b.size());
  int largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

// Were a pixel or the byte order changed on the way, samples and data sets written by Agon would be wrong.
TEST_CASE("PNG round-trips grey and RGB images of any shape, in the same bytes each time") {
  Scratch folder;
  for (int channels : {1, 3})
    for (auto [height, width] : {std::pair{1, 1}, {3, 7}, {64, 5}}) {
      const Image image = ramp(height, width, channels);
      write_png(folder / "a.png", image);
      CHECK(read_image(folder / "a.png") == image);
      const ImageInfo info = read_image_info(folder / "a.png");
      CHECK((info.height == height && info.width == width && info.channels == channels && !info.has_alpha));
      CHECK(encode_png(image) == read_file(folder / "a.png"));
    }
}

// Were palettes, low bit depths or interlacing misread, such files would train as noise.
TEST_CASE("PNG palettes, bits, 16-bit samples and interlacing are read as what they show") {
  Scratch folder;
  const auto path = folder / "a.png";
  write_png_kind(path,
                 {.width = 3,
                  .height = 1,
                  .depth = 2,
                  .colour_type = PNG_COLOR_TYPE_PALETTE,
                  .palette = {{1, 2, 3}, {40, 50, 60}, {7, 8, 9}},
                  .transparency = {}},
                 {0b00'01'10'00});
  CHECK(read_image(path).pixels == Pixels{1, 2, 3, 40, 50, 60, 7, 8, 9});
  write_png_kind(path,
                 {.width = 4,
                  .height = 1,
                  .depth = 2,
                  .colour_type = PNG_COLOR_TYPE_GRAY,
                  .palette = {},
                  .transparency = {}},
                 {0b00'01'10'11});
  CHECK(read_image(path).pixels == Pixels{0, 85, 170, 255});
  // 16 bits: rounded, not cut (0x00ff is nearer to 1 than to 0).
  write_png_kind(path,
                 {.width = 3,
                  .height = 1,
                  .depth = 16,
                  .colour_type = PNG_COLOR_TYPE_GRAY,
                  .palette = {},
                  .transparency = {}},
                 {0x00, 0xff, 0x80, 0x80, 0xff, 0xff});
  CHECK(read_image(path).pixels == Pixels{1, 128, 255});
  const Image image = ramp(9, 11, 3);
  write_png_kind(path,
                 {.width = 11,
                  .height = 9,
                  .depth = 8,
                  .colour_type = PNG_COLOR_TYPE_RGB,
                  .interlaced = true,
                  .palette = {},
                  .transparency = {}},
                 image.pixels);
  CHECK(read_image(path) == image);
}

// Were alpha dropped instead of composited, hidden garbage under transparent pixels would show.
TEST_CASE("transparency is composited on white, for RGBA, grey and palettes") {
  Scratch folder;
  const auto path = folder / "a.png";
  write_png_kind(path,
                 {.width = 3,
                  .height = 1,
                  .depth = 8,
                  .colour_type = PNG_COLOR_TYPE_RGBA,
                  .palette = {},
                  .transparency = {}},
                 {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 128});
  CHECK(read_image(path).pixels == Pixels{10, 20, 30, 255, 255, 255, 127, 177, 255});
  CHECK(read_image_info(path).has_alpha);
  CHECK(read_image_info(path).channels == 3);
  write_png_kind(path,
                 {.width = 2,
                  .height = 1,
                  .depth = 16,
                  .colour_type = PNG_COLOR_TYPE_GRAY_ALPHA,
                  .palette = {},
                  .transparency = {}},
                 {0, 0, 0, 0, 0x12, 0x12, 0xff, 0xff});
  CHECK(read_image(path).pixels == Pixels{255, 0x12});
  CHECK(read_image_info(path).channels == 1);
  write_png_kind(path,
                 {.width = 2,
                  .height = 1,
                  .depth = 8,
                  .colour_type = PNG_COLOR_TYPE_PALETTE,
                  .palette = {{1, 2, 3}, {4, 5, 6}},
                  .transparency = {0, 255}},
                 {0, 1});
  CHECK(read_image(path).pixels == Pixels{255, 255, 255, 4, 5, 6});
}

// Were a colour space misread, photographs would come out inverted or in false colours.
TEST_CASE("JPEG is read as grey, RGB or, from CMYK, converted to RGB") {
  Scratch folder;
  const auto path = folder / "a.jpg";
  write_jpeg(path, 8, 16, JCS_GRAYSCALE, Pixels(128, 77));
  CHECK(read_image_info(path).channels == 1);
  CHECK(largest_difference(read_image(path).pixels, Pixels(128, 77)) <= 1);

  Image red(8, 12, 3);
  for (size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 200;
  write_jpeg(path, 8, 12, JCS_RGB, red.pixels);
  const Image back = read_image(path);
  CHECK((back.height == 8 && back.width == 12 && back.channels == 3));
  CHECK(largest_difference(back.pixels, red.pixels) <= 2);

  // libjpeg marks CMYK files as Adobe's, which store 255 - ink: cyan 0, magenta 255, yellow 255, black 0 is
  // red.
  Pixels cmyk;
  for (int i = 0; i < 64; ++i) cmyk.insert(cmyk.end(), {255, 0, 0, 255});
  write_jpeg(path, 8, 8, JCS_CMYK, cmyk);
  CHECK(read_image_info(path).channels == 3);
  const Image converted = read_image(path);
  Pixels pure_red;
  for (int i = 0; i < 64; ++i) pure_red.insert(pure_red.end(), {255, 0, 0});
  CHECK(largest_difference(converted.pixels, pure_red) <= 2);
}

// Were the name trusted instead of the content, a JPEG called .png would be refused and a text file decoded.
TEST_CASE("the format is told by content: a text file named .png gives one clear line") {
  Scratch folder;
  write_jpeg(folder / "really-jpeg.png", 8, 8, JCS_GRAYSCALE, Pixels(64, 9));
  CHECK(read_image(folder / "really-jpeg.png").height == 8);
  write_file(folder / "notes.png", "Dear diary,\nno image here.\n");
  const std::string message = error_of(ErrorKind::data, [&] { read_image(folder / "notes.png"); });
  CHECK(mentions(message, "notes.png: is a text file, not a PNG or JPEG image"));
  write_file(folder / "empty.png", "");
  CHECK(mentions(error_of(ErrorKind::data, [&] { read_image(folder / "empty.png"); }), "is empty"));
  write_file(folder / "movie.jpg", std::string("RIFF\0\1\2\3WEBP", 12));
  CHECK(mentions(error_of(ErrorKind::data, [&] { read_image_info(folder / "movie.jpg"); }),
                 "some other format"));
}

// Were damage tolerated as the C libraries do, half-grey pictures would enter the training set unnoticed.
TEST_CASE("truncated and damaged images are refused, wherever they are cut") {
  Scratch folder;
  const auto path = folder / "cut";
  Image image(40, 40, 3);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * i >> 7);
  write_png(folder / "a.png", image);
  write_jpeg(folder / "a.jpg", 40, 40, JCS_RGB, image.pixels);
  for (const char* name : {"a.png", "a.jpg"}) {
    const auto whole = read_file(folder / name);
    for (size_t size = 16; size + 2 < whole.size(); size += 97) {
      INFO(name << " cut to " << size << " of " << whole.size());
      write_file(path, std::span(whole).first(size));
      CHECK(mentions(error_of(ErrorKind::data, [&] { read_image(path); }), "damaged"));
    }
    auto spoilt = whole;
    for (size_t i = spoilt.size() / 2; i < spoilt.size() / 2 + 20; ++i) spoilt[i] = std::byte{0xff};
    write_file(path, spoilt);
    error_of(ErrorKind::data, [&] { read_image(path); });
  }
}

// Were the header's size believed, a 100-byte file could ask for the machine's whole memory.
TEST_CASE("an absurd image size is refused before memory is asked for") {
  Scratch folder;
  auto file = encode_png(ramp(2, 2, 1));
  for (size_t at : {16u, 20u}) file[at + 1] = std::byte{0x0f};  // width and height: about a million each
  const auto info_crc = crc32_of(std::span(file).subspan(12, 17));
  for (size_t i = 0; i < 4; ++i) file[29 + i] = static_cast<std::byte>(info_crc >> (24 - 8 * i));
  write_file(folder / "bomb.png", file);
  CHECK(
      mentions(error_of(ErrorKind::data, [&] { read_image(folder / "bomb.png"); }), "more than Agon reads"));
}
