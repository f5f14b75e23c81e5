#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "agon/config.h"
#include "agon/game.h"
#include "agon/program.h"

namespace agon::app {

/// The training step of a config on random images, for commands that time it.
class RandomStep {
 public:
  RandomStep(const Config& config, int64_t batch);

  /// Sets the scalars of step `step` of `total`.
  void schedule(uint64_t step, uint64_t total);

  const Game& game() const { return game_; }
  Backend& backend() { return *backend_; }
  Program& program() { return *program_; }
  int64_t batch() const { return batch_; }

 private:
  Game game_;
  int64_t batch_;
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Program> program_;
};

}  // namespace agon::app
