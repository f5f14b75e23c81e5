#pragma once
#include <functional>
#include <map>
#include <span>
#include <string>

#include "agon/program.h"

#include "backend/cuda/device.h"
#include "backend/cuda/tuning_cache.h"

namespace agon::device {

/// Chooses among implementations of a problem: as an earlier compile did, as the cache knows, or by timing
/// each. All candidates are deterministic, so a choice that is kept makes a run repeat bitwise.
class Tuner {
 public:
  Tuner(DevicePtr device, const CompileOptions& options);

  /// False where every problem takes its default.
  bool is_idle() const { return !enabled_ && given_.empty(); }
  /// The name of the best candidate, or empty for the default. `launch` enqueues one on scratch memory.
  std::string choose(const std::string& problem, std::span<const std::string> candidates,
                     const std::function<void(size_t candidate)>& launch);
  /// What was chosen, by problem; the cache is written.
  std::map<std::string, std::string> finish();

 private:
  std::string fastest(std::span<const std::string> candidates,
                      const std::function<void(size_t candidate)>& launch) const;

  DevicePtr device_;
  bool enabled_;
  std::map<std::string, std::string> given_, chosen_;
  LogSink log_;
  TuningCache cache_;
};

}  // namespace agon::device
