// Handwriting-like digits from a few strokes. Everything from the random words to the pixels is integer
// arithmetic, so that a seed gives the same pixels on every machine and at every optimisation level.
#include <algorithm>

#include "agon/error.h"
#include "agon/philox.h"

#include "data/glyph_pen.h"
#include "data/glyph_strokes.h"
#include "data/kinds.h"
#include "data/streams.h"

namespace agon {
namespace {

using glyphs::Cubic;
using glyphs::Dab;

constexpr int64_t one = 1 << 16;  // 1.0 in the fixed point of ratios
constexpr int64_t unit = 1 << 6;  // of a design unit, in the fixed point of places
constexpr int64_t em = 1000 * unit;
constexpr int steps = 10;  // straight pieces to a curve

class Draws {
 public:
  Draws(uint64_t seed, uint64_t index) : random_(seed, index, data_streams::glyphs) {}
  /// In [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + random_.below(static_cast<uint32_t>(high - low + 1));
  }
  /// Around 0 and rarer towards -limit and limit (the sum of two equal draws).
  int64_t around(int64_t limit) { return between(-limit / 2, limit / 2) + between(-limit / 2, limit / 2); }
  template <class Choices>
  const auto& choice(const Choices& choices) {
    return choices[static_cast<size_t>(between(0, static_cast<int64_t>(choices.size()) - 1))];
  }

 private:
  PhiloxStream random_;
};

struct Place {
  int64_t x = 0, y = 0;  ///< in 1/64 design unit
};

/// Scale, slant and rotation about the centre, then a shift.
struct Affine {
  int64_t xx, xy, yx, yy;  ///< ratios
  Place shift;

  explicit Affine(Draws& draws) {
    const int64_t width = draws.between(one * 78 / 100, one * 112 / 100);
    const int64_t height = draws.between(one * 84 / 100, one * 106 / 100);
    const int64_t slant = draws.around(one * 30 / 100);
    // Sine and cosine by their series, good to 1e-5 for angles this small.
    const int64_t angle = draws.around(one * 24 / 100);
    const int64_t square = angle * angle / one;
    const int64_t sine = angle - angle * square / one / 6,
                  cosine = one - square / 2 + square * square / one / 24;
    // (rotation) (slant) (scale); a positive slant leans the top to the right, as y points down.
    xx = cosine * width / one;
    yx = sine * width / one;
    xy = (-cosine * slant / one - sine) * height / one;
    yy = (-sine * slant / one + cosine) * height / one;
    shift = {draws.around(em * 7 / 100), draws.around(em * 6 / 100)};
  }
  Place operator()(Place p) const {
    const int64_t x = p.x - em / 2, y = p.y - em / 2;
    return {em / 2 + (xx * x + xy * y) / one + shift.x, em / 2 + (yx * x + yy * y) / one + shift.y};
  }
};

/// A smooth random displacement: vectors on a 4x4 lattice over the em square, blended by smoothstep.
class Elastic {
 public:
  explicit Elastic(Draws& draws) {
    for (auto& row : lattice_)
      for (Place& node : row) node = {draws.around(em * 55 / 1000), draws.around(em * 55 / 1000)};
  }
  Place operator()(Place p) const {
    const auto [column, across] = cell(p.x);
    const auto [row, down] = cell(p.y);
    const Place top = blend(lattice_[row][column], lattice_[row][column + 1], across);
    const Place bottom = blend(lattice_[row + 1][column], lattice_[row + 1][column + 1], across);
    const Place by = blend(top, bottom, down);
    return {p.x + by.x, p.y + by.y};
  }

 private:
  static constexpr int64_t cells = 3;

  static std::pair<size_t, int64_t> cell(int64_t x) {
    const int64_t at = std::clamp<int64_t>(x * cells, 0, cells * em - 1);
    const int64_t t = at % em * one / em;
    return {static_cast<size_t>(at / em), t * t / one * (3 * one - 2 * t) / one};
  }
  static Place blend(Place a, Place b, int64_t t) {
    return {a.x + (b.x - a.x) * t / one, a.y + (b.y - a.y) * t / one};
  }

  std::array<std::array<Place, cells + 1>, cells + 1> lattice_;
};

Place point_of(const Cubic& curve, int64_t i) {
  const int64_t j = steps - i;
  const std::array<int64_t, 4> weights{j * j * j, 3 * j * j * i, 3 * j * i * i, i * i * i};
  Place sum;
  for (size_t k = 0; k < 4; ++k) {
    sum.x += weights[k] * curve[k].x;
    sum.y += weights[k] * curve[k].y;
  }
  constexpr int64_t whole = int64_t{steps} * steps * steps;
  return {sum.x * unit / whole, sum.y * unit / whole};
}

struct Colour {
  std::array<int64_t, 3> rgb{};
};

/// A fully saturated colour; `hue` counts 6 x 256 steps around the circle.
Colour pure(int64_t hue) {
  const int64_t up = hue % 256, down = 255 - up;
  switch (hue / 256 % 6) {
    case 0:
      return {{255, up, 0}};
    case 1:
      return {{down, 255, 0}};
    case 2:
      return {{0, 255, up}};
    case 3:
      return {{0, down, 255}};
    case 4:
      return {{up, 0, 255}};
    default:
      return {{255, 0, down}};
  }
}

/// (1 - t) a + t b, t in 256ths.
Colour mixed(const Colour& a, const Colour& b, int64_t t) {
  Colour result;
  for (size_t c = 0; c < 3; ++c) result.rgb[c] = (a.rgb[c] * (256 - t) + b.rgb[c] * t + 128) >> 8;
  return result;
}

/// Ink, and a ground that shades from one colour to another in some direction. One of them is light, the
/// other dark.
struct Paint {
  Colour ink, ground, far_ground;
  int64_t slope_x = 0, slope_y = 0;  ///< of the shade, in 256ths across the image

  Paint(Draws& draws, int channels) {
    if (channels == 1) {
      const int64_t light = draws.between(200, 255), dark = draws.between(0, 16);
      ink = {{light, light, light}};
      ground = far_ground = {{dark, dark, dark}};
      return;
    }
    constexpr Colour black{}, white{{255, 255, 255}};
    const int64_t hue = draws.between(0, 6 * 256 - 1);
    const Colour light = mixed(white, pure(hue), draws.between(16, 110));
    const Colour dark = mixed(black, pure(hue + draws.between(2 * 256, 4 * 256)), draws.between(20, 76));
    const bool night = draws.between(0, 1) == 1;
    ink = night ? light : dark;
    ground = night ? dark : light;
    far_ground = mixed(ground, night ? black : white, draws.between(0, 128));
    slope_x = draws.between(-128, 128);
    slope_y = draws.between(-128, 128);
  }
  Colour ground_at(int row, int column, const ImageShape& shape) const {
    if (slope_x == 0 && slope_y == 0) return mixed(ground, far_ground, 128);
    const int64_t x = (2 * column + 1 - shape.width) * slope_x / shape.width;
    const int64_t y = (2 * row + 1 - shape.height) * slope_y / shape.height;
    return mixed(ground, far_ground, std::clamp<int64_t>(128 + x + y, 0, 256));
  }
};

class GlyphDataset : public Dataset {
 public:
  GlyphDataset(DatasetTraits traits, uint64_t seed)
      : Dataset(std::move(traits)), seed_(seed), digits_(glyphs::digits()) {}

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    Draws draws(seed_, index);
    const glyphs::Variant& variant = draws.choice(draws.choice(digits_));
    std::ranges::fill(pixels, uint8_t{0});
    // Coverage first, in the front of the caller's memory; paint() spreads it.
    draw(variant, draws, pixels.first(pixels.size() / static_cast<size_t>(shape().channels)));
    paint(draws, pixels);
  }
  int32_t read_label(uint64_t index) const override {
    return static_cast<int32_t>(&Draws(seed_, index).choice(digits_) - digits_.data());
  }

 private:
  void draw(const glyphs::Variant& variant, Draws& draws, std::span<uint8_t> coverage) const {
    const Affine affine(draws);
    const Elastic elastic(draws);
    const int64_t radius = draws.between(em * 28 / 1000, em * 62 / 1000);
    const int64_t size = std::min(shape().height, shape().width) * int64_t{256};
    const int64_t left = (shape().width * int64_t{256} - size) / 2,
                  top = (shape().height * int64_t{256} - size) / 2;
    for (const glyphs::Stroke& stroke : variant) {
      // The pen presses differently at the start, the middle and the end of a stroke.
      const std::array<int64_t, 3> pressure{draws.between(one * 75 / 100, one * 115 / 100),
                                            draws.between(one * 85 / 100, one * 120 / 100),
                                            draws.between(one * 70 / 100, one * 110 / 100)};
      const auto pieces = static_cast<int64_t>(stroke.size()) * steps;
      Dab last;
      for (int64_t i = 0; i <= pieces; ++i) {
        const auto curve = std::min<size_t>(static_cast<size_t>(i / steps), stroke.size() - 1);
        const Place place = affine(elastic(point_of(stroke[curve], i - static_cast<int64_t>(curve) * steps)));
        const int64_t half = 2 * i < pieces ? 0 : 1, t = (2 * i - half * pieces) * one / pieces;
        const auto from = static_cast<size_t>(half);
        const int64_t press = pressure[from] + (pressure[from + 1] - pressure[from]) * t / one;
        const Dab dab{static_cast<int32_t>(left + place.x * size / em),
                      static_cast<int32_t>(top + place.y * size / em),
                      static_cast<int32_t>(radius * press / one * size / em)};
        if (i > 0) glyphs::draw_line(last, dab, shape().height, shape().width, coverage);
        last = dab;
      }
    }
  }

  /// Replaces coverage by colour, from the last pixel to the first, as an RGB pixel lies behind its coverage.
  void paint(Draws& draws, std::span<uint8_t> pixels) const {
    const auto channels = static_cast<size_t>(shape().channels);
    const Paint paint(draws, shape().channels);
    size_t at = pixels.size() / channels;
    for (int row = shape().height - 1; row >= 0; --row)
      for (int column = shape().width - 1; column >= 0; --column) {
        --at;
        const int64_t covered = pixels[at] + (pixels[at] >> 7);  // 0..255 to 0..256
        const Colour colour = mixed(paint.ground_at(row, column, shape()), paint.ink, covered);
        for (size_t c = 0; c < channels; ++c) pixels[at * channels + c] = static_cast<uint8_t>(colour.rgb[c]);
      }
  }

  uint64_t seed_;
  std::array<glyphs::Digit, 10> digits_;
};

}  // namespace

DatasetPtr open_glyphs(const DatasetOptions& options) {
  check(options.epoch_size > 0, ErrorKind::usage, "data glyphs: an epoch of 0 images");
  const ImageShape shape = wanted_shape(options, {28, 28, 1});
  std::vector<std::string> class_names;
  for (int digit = 0; digit < 10; ++digit) class_names.push_back(std::to_string(digit));
  DatasetTraits traits{
      .shape = shape,
      .size = options.epoch_size,
      .unlimited = true,
      .class_names = std::move(class_names),
      .fingerprint = fmt::format("glyphs-v1 {} {} seed:{}", options.epoch_size, shape.str(), options.seed)};
  return std::make_shared<GlyphDataset>(std::move(traits), options.seed);
}

}  // namespace agon
