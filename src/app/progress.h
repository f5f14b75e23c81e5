#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace agon::app {

/// What a progress line shows.
struct Progress {
  uint64_t step = 0, total = 0;
  double epoch = 0, epochs = 0;
  double images_per_s = 0;
  double seconds_left = -1;                            ///< negative: not known yet
  std::vector<std::pair<std::string, double>> losses;  ///< "D", 0.41
};

/// "dcgan-mnist ━━━━━╸──── 41 % epoch 3.2/8 step 400/1000 641 img/s D 0.41 G 2.20 0:42 left", in `width`
/// columns: the bar shrinks first, then the rightmost items are dropped. `color` adds ANSI colours.
std::string progress_line(const std::string& name, const Progress& progress, int width, bool color);

/// Shows progress on `out`: one line that is redrawn, or plain lines a few seconds apart where `out` is no
/// terminal.
class ProgressBar {
 public:
  ProgressBar(std::string name, std::FILE* out);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Draws if it is time to; `logged` says that this step is one of log.every, the only ones that may become
  /// plain lines.
  void update(const Progress& progress, bool logged);
  /// A line of its own above the bar.
  void say(const std::string& line);
  /// Draws the last state, unless it stands there as a plain line already, and leaves the line.
  void finish(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;
  void clear();
  void draw(const Progress& progress);

  std::string name_;
  std::FILE* out_;
  bool terminal_, color_, drawn_ = false;
  uint64_t drawn_step_ = 0;
  Clock::time_point last_{};
};

}  // namespace agon::app
