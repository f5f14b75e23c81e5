#pragma once
#include <algorithm>
#include <chrono>

namespace agon {

/// Time spent in training steps, and the rate over the last ones.
class StepClock {
 public:
  explicit StepClock(double seconds_before) : total_(seconds_before) {}

  void start() { began_ = Clock::now(); }
  void stop() {
    const double taken = std::chrono::duration<double>(Clock::now() - began_).count();
    total_ += taken;
    since_line_ += taken;
    ++steps_since_line_;
    // The first step touches every page for the first time and tells nothing of the next.
    if (++steps_ == 1) return;
    mean_ = steps_ == 2 ? taken : mean_ + (taken - mean_) / std::min(steps_ - 1, window);
  }

  double total() const { return total_; }
  double step_seconds() const { return mean_; }  ///< 0 before it is known
  /// Mean seconds a step since the last call.
  double line_step_seconds() {
    const double mean = steps_since_line_ == 0 ? 0 : since_line_ / steps_since_line_;
    since_line_ = 0;
    steps_since_line_ = 0;
    return mean;
  }

 private:
  static constexpr int window = 20;  ///< steps that the running mean looks back on, about
  using Clock = std::chrono::steady_clock;
  Clock::time_point began_{};
  double total_, mean_ = 0, since_line_ = 0;
  int steps_ = 0, steps_since_line_ = 0;
};

}  // namespace agon
