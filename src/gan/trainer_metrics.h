#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace agon {

/// metrics.jsonl of a run: one JSON object a line, its "step" rising.
class MetricsLog {
 public:
  using Fields = std::vector<std::pair<std::string, double>>;

  /// Opens the file and cuts it back to the lines up to `step` (0: empties it), atomically; what a killed
  /// process wrote after its last checkpoint, half lines included, is gone. Throws Error(io).
  MetricsLog(std::filesystem::path path, uint64_t step);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// Appends {"step": step, ...}. A number that is not finite is written as null. Throws Error(io).
  void append(uint64_t step, const Fields& fields);
  /// Puts what was appended on the disk; to be called before a checkpoint that counts on it.
  void sync();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace agon
