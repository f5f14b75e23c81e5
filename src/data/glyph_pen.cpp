#include "data/glyph_pen.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace agon::glyphs {
namespace {

constexpr int pixel_bits = 8, unit_bits = 14;
constexpr int32_t pixel = 1 << pixel_bits;

/// How far a place is inside of an edge, half a pixel added: 0 and less is outside, `pixel` and more is
/// covered. At the distance whose square is given, from the centre of a circle; the root is taken on the edge
/// alone.
int64_t inside_circle(int64_t radius, uint64_t square) {
  const auto outer = static_cast<uint64_t>(radius + pixel / 2);
  if (square >= outer * outer) return 0;
  const int64_t inner = radius - pixel / 2 + 1;
  if (inner > 0 && square < static_cast<uint64_t>(inner * inner)) return pixel;
  return radius - integer_sqrt(square) + pixel / 2;
}

}  // namespace

uint32_t integer_sqrt(uint64_t value) {
  if (value == 0) return 0;
  // Newton from above falls until it reaches the floor.
  uint64_t root = uint64_t{1} << ((std::bit_width(value) + 1) / 2);
  while (true) {
    const uint64_t next = (root + value / root) / 2;
    if (next >= root) return static_cast<uint32_t>(root);
    root = next;
  }
}

void draw_line(const Dab& a, const Dab& b, int height, int width, std::span<uint8_t> coverage) {
  const int64_t dx = b.x - a.x, dy = b.y - a.y;
  const int64_t length = integer_sqrt(static_cast<uint64_t>(dx * dx + dy * dy));
  // The unit vector along the line and the radius' slope, with unit_bits of fraction; a point has neither.
  const int64_t along_x = length ? (dx << unit_bits) / length : 0,
                along_y = length ? (dy << unit_bits) / length : 0;
  const int64_t slope = length ? (int64_t{b.radius - a.radius} << unit_bits) / length : 0;
  const int32_t reach = std::max(a.radius, b.radius) + pixel;

  const auto first = [&](int32_t low) { return std::max((low - reach) >> pixel_bits, 0); };
  const auto last = [&](int32_t high, int size) { return std::min((high + reach) >> pixel_bits, size - 1); };
  const int top = first(std::min(a.y, b.y)), bottom = last(std::max(a.y, b.y), height);
  const int left = first(std::min(a.x, b.x)), right = last(std::max(a.x, b.x), width);
  for (int row = top; row <= bottom; ++row) {
    const int64_t y = (int64_t{row} << pixel_bits) + pixel / 2 - a.y;
    uint8_t* out = &coverage[static_cast<size_t>(row) * static_cast<size_t>(width)];
    for (int column = left; column <= right; ++column) {
      if (out[column] == 255) continue;
      const int64_t x = (int64_t{column} << pixel_bits) + pixel / 2 - a.x;
      const int64_t along = (x * along_x + y * along_y) >> unit_bits;
      int64_t inside;
      if (along <= 0) {
        inside = inside_circle(a.radius, static_cast<uint64_t>(x * x + y * y));
      } else if (along >= length) {
        inside = inside_circle(b.radius, static_cast<uint64_t>((x - dx) * (x - dx) + (y - dy) * (y - dy)));
      } else {
        const int64_t off = std::abs(x * along_y - y * along_x) >> unit_bits;
        inside = a.radius + ((slope * along) >> unit_bits) - off + pixel / 2;
      }
      inside = std::clamp<int64_t>(inside, 0, pixel);
      out[column] = std::max(out[column], static_cast<uint8_t>((inside * 255 + pixel / 2) >> pixel_bits));
    }
  }
}

}  // namespace agon::glyphs
