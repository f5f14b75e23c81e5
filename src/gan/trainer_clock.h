#pragma once
#include <algorithm>
#include <chrono>
#include <utility>

namespace agon {

/// Time spent in training steps, and the rate over the last ones.
class StepClock {
 public:
  explicit StepClock(double seconds_before) : total_(seconds_before) {}

  /// A step begins; goes on counting where a stretch of steps is under way.
  void start() {
    if (steps_under_way_++ == 0) began_ = Clock::now();
  }
  /// Since the first start after a stop.
  double under_way() const {
    return steps_under_way_ == 0 ? 0 : std::chrono::duration<double>(Clock::now() - began_).count();
  }
  /// The steps since the last call are done.
  void stop() {
    const double taken = under_way();
    const int steps = std::exchange(steps_under_way_, 0);
    if (steps == 0) return;
    total_ += taken;
    since_line_ += taken;
    steps_since_line_ += steps;
    const bool first = steps_ == 0;
    steps_ += steps;
    // The first stretch touches every page for the first time and tells nothing of the next.
    if (first) return;
    const double each = taken / steps;
    mean_ = mean_ == 0 ? each
                       : mean_ + (each - mean_) * std::min(1.0, 1.0 * steps / std::min(steps_ - 1, window));
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
  int steps_ = 0, steps_since_line_ = 0, steps_under_way_ = 0;
};

}  // namespace agon
