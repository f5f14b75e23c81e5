#include "data/glyph_strokes.h"

#include <string_view>

#include "agon/error.h"

namespace agon::glyphs {
namespace {

/// The ways to write each digit, as SVG path data: M moves the pen, L draws a line, C a cubic curve; all
/// absolute.
const std::array<std::vector<std::string_view>, 10> paths{{
    {"M500 160 C616 160 710 312 710 500 C710 688 616 840 500 840 C384 840 290 688 290 500 C290 312 384 160 "
     "500 160",
     "M560 165 C430 140 300 280 290 500 C280 720 380 850 500 840 C640 830 720 680 710 480 C700 270 610 160 "
     "480 175"},
    {"M380 290 L520 160 L520 840", "M380 290 L510 160 L510 840 M370 840 L650 840", "M500 160 L500 840"},
    {"M300 320 C310 215 395 160 500 160 C620 160 700 230 700 335 C700 450 615 530 500 640 C430 705 350 775 "
     "300 840 "
     "L710 840",
     "M310 300 C330 205 420 160 500 160 C630 160 705 240 690 350 C675 480 560 630 420 760 C350 825 290 850 "
     "280 795 "
     "C272 740 345 715 430 755 C530 805 620 850 725 795"},
    {"M310 250 C345 190 415 160 495 160 C610 160 685 225 685 320 C685 420 600 478 470 480 C620 480 710 550 "
     "710 655 "
     "C710 770 610 840 490 840 C400 840 330 800 290 735",
     "M310 160 L690 160 L480 430 C620 430 710 510 710 630 C710 760 610 840 490 840 C400 840 330 800 290 735"},
    {"M600 840 L600 160 L270 620 L740 620",
     "M340 170 C325 300 310 410 290 540 L730 540 M630 170 C620 400 615 600 600 840"},
    {"M680 160 L365 160 L335 460 C390 410 450 392 510 392 C630 392 710 480 710 610 C710 750 620 840 490 840 "
     "C400 840 330 800 290 735"},
    {"M640 165 C440 210 295 400 295 620 C295 755 385 840 500 840 C620 840 705 750 705 635 C705 520 620 445 "
     "510 445 "
     "C400 445 310 520 295 625",
     "M520 160 C400 300 300 460 295 640 C295 760 385 840 500 840 C615 840 700 760 700 650 C700 540 620 465 "
     "515 465 "
     "C410 465 320 530 296 630"},
    {"M290 160 L710 160 C600 350 480 570 430 840",
     "M290 160 L710 160 C610 350 510 560 450 840 M390 500 L660 500",
     "M300 250 L300 160 L710 160 C620 340 540 560 510 840"},
    {"M500 480 C390 450 330 390 330 315 C330 220 400 160 500 160 C600 160 670 220 670 315 C670 390 610 450 "
     "500 480 "
     "C370 515 295 580 295 670 C295 775 380 840 500 840 C620 840 705 775 705 670 C705 580 630 515 500 480",
     "M670 240 C640 185 575 160 505 160 C400 160 325 215 325 305 C325 470 705 500 705 680 C705 780 615 840 "
     "500 840 "
     "C385 840 300 780 300 680 C300 520 640 440 670 240"},
    {"M705 375 C690 480 600 555 490 555 C380 555 295 480 295 365 C295 250 380 160 500 160 C620 160 705 245 "
     "705 380 "
     "C705 600 560 790 360 835",
     "M690 340 C690 460 610 540 495 540 C385 540 300 460 300 350 C300 240 385 160 495 160 C610 160 690 240 "
     "690 340 "
     "L670 840"},
}};

/// Reads "M500 160 C..." from left to right.
class PathReader {
 public:
  explicit PathReader(std::string_view path) : rest_(path) {}

  Variant read() {
    Variant strokes;
    Point pen;
    while (skip_spaces()) {
      const char command = rest_.front();
      rest_.remove_prefix(1);
      if (command == 'M') {
        pen = point();
        strokes.emplace_back();
        continue;
      }
      check(!strokes.empty() && (command == 'L' || command == 'C'), ErrorKind::internal, "glyphs: bad path");
      Cubic cubic{pen};
      if (command == 'C') {
        for (size_t i = 1; i < 4; ++i) cubic[i] = point();
      } else {
        const Point to = point();
        cubic = {pen,
                 {(2 * pen.x + to.x) / 3, (2 * pen.y + to.y) / 3},
                 {(pen.x + 2 * to.x) / 3, (pen.y + 2 * to.y) / 3},
                 to};
      }
      strokes.back().push_back(cubic);
      pen = cubic[3];
    }
    return strokes;
  }

 private:
  bool skip_spaces() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    return !rest_.empty();
  }
  int number() {
    int value = 0;
    for (skip_spaces(); !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
         rest_.remove_prefix(1))
      value = 10 * value + (rest_.front() - '0');
    return value;
  }
  Point point() {
    const int x = number();
    return {x, number()};
  }

  std::string_view rest_;
};

}  // namespace

std::array<Digit, 10> digits() {
  std::array<Digit, 10> all;
  for (size_t digit = 0; digit < all.size(); ++digit)
    for (std::string_view path : paths[digit]) all[digit].push_back(PathReader(path).read());
  return all;
}

}  // namespace agon::glyphs
