#include "app/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/format.h"

namespace agon::app {
namespace {

constexpr int default_width = 100;
constexpr std::chrono::milliseconds redraw{100}, plain_pause{5000};

int columns(std::FILE* out) {
  winsize size{};
  return ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : default_width;
}

std::string bar(double share, int width, bool color) {
  const int full = std::clamp(static_cast<int>(share * width), 0, width);
  std::string done, rest;
  for (int i = 0; i < full; ++i) done += "━";
  for (int i = full; i < width; ++i) rest += "─";
  return color ? fmt::format("\x1b[36m{}\x1b[0;2m{}\x1b[0m", done, rest) : done + rest;
}

/// The items right of the bar, the most wanted first.
std::vector<std::string> items(const Progress& p) {
  const double share = p.total == 0 ? 0 : static_cast<double>(p.step) / static_cast<double>(p.total);
  std::vector<std::string> list{fmt::format("{:3.0f} %", 100 * share),
                                fmt::format("step {}/{}", p.step, p.total)};
  if (p.epochs > 0)
    list.push_back(fmt::format("epoch {:.1f}/{:.4g}", p.epoch, std::round(p.epochs * 10) / 10));
  if (p.images_per_s > 0)
    list.push_back(fmt::format("{:.{}f} img/s", p.images_per_s, p.images_per_s < 100 ? 1 : 0));
  for (const auto& [name, value] : p.losses) list.push_back(fmt::format("{} {:.3f}", name, value));
  if (p.seconds_left >= 0) list.push_back(clock_text(p.seconds_left) + " left");
  return list;
}

}  // namespace

std::string progress_line(const std::string& name, const Progress& progress, int width, bool color) {
  constexpr int widest = 32, narrowest = 8;
  std::string tail;
  int used = static_cast<int>(name.size()) + 1;
  for (const std::string& item : items(progress)) {
    const int more = static_cast<int>(item.size()) + 2;
    if (used + more + narrowest > width) break;
    tail += "  " + item;
    used += more;
  }
  const double share =
      progress.total == 0 ? 0 : static_cast<double>(progress.step) / static_cast<double>(progress.total);
  return fmt::format("{} {}{}", name, bar(share, std::clamp(width - used, narrowest, widest), color), tail);
}

ProgressBar::ProgressBar(std::string name, std::FILE* out)
    : name_(std::move(name)), out_(out), terminal_(::isatty(::fileno(out)) == 1) {
  const char* term = std::getenv("TERM");
  if (term && std::string(term) == "dumb") terminal_ = false;
  color_ = terminal_ && !std::getenv("NO_COLOR");
}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputc('\n', out_);
}

void ProgressBar::clear() {
  if (drawn_) std::fputs("\r\x1b[K", out_);
  drawn_ = false;
}

void ProgressBar::draw(const Progress& progress) {
  drawn_step_ = progress.step;
  if (terminal_) {
    clear();
    std::fputs(progress_line(name_, progress, columns(out_) - 1, color_).c_str(), out_);
    drawn_ = true;
  } else {
    fmt::print(out_, "{}: {}\n", name_, fmt::join(items(progress), ", "));
  }
  std::fflush(out_);
}

void ProgressBar::update(const Progress& progress, bool logged) {
  if (!terminal_ && !logged) return;
  const auto now = Clock::now();
  if (now - last_ < (terminal_ ? redraw : plain_pause)) return;
  last_ = now;
  draw(progress);
}

void ProgressBar::say(const std::string& line) {
  clear();
  fmt::print(out_, "{}\n", line);
  std::fflush(out_);
}

void ProgressBar::finish(const Progress& progress) {
  if (terminal_ || drawn_step_ != progress.step) draw(progress);
  if (drawn_) std::fputc('\n', out_);
  drawn_ = false;
}

}  // namespace agon::app
