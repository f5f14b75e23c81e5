#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace agon::device {

/// The simulated device's own functions (cuda/simt/simt.h), found in the library that serves the CUDA
/// runtime.
class Simulator {
 public:
  Simulator() = default;
  /// `handle` (of dlopen) is a library that sees cudaMalloc.
  explicit Simulator(void* handle);

  /// False where a real CUDA runtime serves.
  bool present() const { return take_reports_ != nullptr; }
  /// What the checkers found since the last call, one line each.
  std::vector<std::string> take_reports() const;
  /// Why this thread's last failed call of the runtime failed; says more than the runtime's error.
  std::string last_message() const;
  void clear_counters() const;
  /// What was executed since the counters were cleared: (name, count), in a fixed order.
  std::vector<std::pair<std::string, double>> counters() const;
  /// Distinct bytes read and written by each kernel since then, summed over kernels, by the address where
  /// their allocation starts.
  std::map<uint64_t, double> touched() const;

 private:
  const char* (*take_reports_)() = nullptr;
  const char* (*last_message_)() = nullptr;
  const char* (*counters_)() = nullptr;
  void (*clear_counters_)() = nullptr;
};

}  // namespace agon::device
