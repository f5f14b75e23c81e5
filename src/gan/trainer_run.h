#pragma once
#include <filesystem>
#include <string>

#include "agon/config.h"

namespace agon {

// The layout of a run's directory.
std::filesystem::path config_path(const std::filesystem::path& run);
std::filesystem::path metrics_path(const std::filesystem::path& run);
std::filesystem::path checkpoints_path(const std::filesystem::path& run);
/// samples/step-00000900.png.
std::filesystem::path grid_path(const std::filesystem::path& run, uint64_t step);

/// The config of a run. Throws Error(io) that says so if `run` is none.
Config config_of(const std::filesystem::path& run);

/// A short code that is equal for configs whose runs go the same way: all keys count but the run's length,
/// the device, where the data lie (their content is compared apart) and how often the run is logged, sampled,
/// evaluated and saved.
std::string identity_of(const Config& config);

/// Holds a run's directory for one process, until the process ends however it may.
class RunLock {
 public:
  /// Throws Error(io) if another process holds it.
  explicit RunLock(const std::filesystem::path& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace agon
