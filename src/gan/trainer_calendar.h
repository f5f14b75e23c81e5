#pragma once
#include <cstdint>
#include <vector>

#include "agon/config.h"
#include "agon/game.h"

namespace agon {

/// Counts a run in iterations and epochs, and says when its periodic work is due.
class Calendar {
 public:
  /// `batches_per_epoch` full batches make an epoch. Throws Error(usage) for a run without length or with a
  /// negative interval.
  Calendar(const Config& config, const Game& game, uint64_t batches_per_epoch);

  uint64_t total_steps() const { return total_; }
  /// Epochs seen after `step` iterations; fractional.
  double epoch(uint64_t step) const;
  bool ends_epoch(uint64_t step) const;
  double steps_per_epoch() const;

  // What is due when `step` iterations are done (step >= 1).
  bool log_due(uint64_t step) const { return step == total_ || step % log_ == 0; }
  bool sample_due(uint64_t step) const { return step == total_ || periodic(sample_, step); }
  bool checkpoint_due(uint64_t step) const { return step == total_ || periodic(checkpoint_, step); }
  bool evaluation_due(uint64_t step) const { return step == total_ || (eval_ > 0 && step % eval_ == 0); }

 private:
  /// Data batches consumed by the first `step` iterations.
  uint64_t batches(uint64_t step) const;
  bool periodic(uint64_t every, uint64_t step) const {
    return every > 0 ? step % every == 0 : ends_epoch(step);
  }

  uint64_t per_epoch_, total_ = 0, log_ = 1, sample_ = 0, checkpoint_ = 0, eval_ = 0;
  std::vector<uint64_t> cycle_;  ///< batches before iteration i of a cycle of iterations, and of all of it
};

}  // namespace agon
