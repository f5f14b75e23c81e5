#pragma once
#include <array>
#include <vector>

namespace agon::glyphs {

/// Design units: the em square is 1000 x 1000, x to the right, y down.
struct Point {
  int x = 0, y = 0;
};

using Cubic = std::array<Point, 4>;   ///< a Bezier curve; a straight line has its controls at the thirds
using Stroke = std::vector<Cubic>;    ///< one movement of the pen
using Variant = std::vector<Stroke>;  ///< one way to write a digit
using Digit = std::vector<Variant>;   ///< all ways, equally likely

/// The ten digits, from their paths.
std::array<Digit, 10> digits();

}  // namespace agon::glyphs
