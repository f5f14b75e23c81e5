#pragma once
#include <cstdint>
#include <span>

namespace agon::glyphs {

/// A place on the canvas and the pen's radius there, in 1/256 pixel.
struct Dab {
  int32_t x = 0, y = 0, radius = 0;
};

/// Draws the line from `a` to `b`, its radius going from a's to b's, with round ends, into `coverage` (height
/// x width bytes, 0 outside to 255 inside, one pixel of anti-aliasing ramp): every pixel becomes the greater
/// of what it was and what the line covers. Integer arithmetic only.
void draw_line(const Dab& a, const Dab& b, int height, int width, std::span<uint8_t> coverage);

/// Floor of the square root.
uint32_t integer_sqrt(uint64_t value);

}  // namespace agon::glyphs
