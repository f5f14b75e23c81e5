#pragma once
#include <memory>
#include <string>
#include <vector>

#include "agon/config.h"
#include "agon/game.h"
#include "agon/program.h"
#include "agon/safetensors.h"

namespace agon::golden {

/// A GAN system that PyTorch played in float64 (tests/fixtures; tools/goldens), and its config.
struct System {
  std::string name;
  Config config;
  Safetensors file;
  uint64_t seed = 0;
  int64_t batch = 0;
  int steps = 0;

  /// Throws where the fixture lacks it.
  const Tensor& tensor(const std::string& name) const;
};

/// "dcgan-cifar10", "lsgan", "wgan-gp" or "sngan".
System load(const std::string& name);
/// All four.
std::vector<std::string> names();
/// A preset as it is, of a smaller batch; without PyTorch's numbers.
System preset(const std::string& name, int64_t batch, int steps);

/// The fixture's "<prefix>/<network>." tensors with that prefix taken off.
std::vector<NamedTensor> weights(const System& system, const std::string& prefix, const std::string& network);

/// The values of an input at a step, f64: uniform Philox numbers, in [-1, 1) for images and latents.
Tensor input_value(const System& system, const GameInput& input, uint64_t step);

/// max |ours - theirs| / max |theirs|; infinite where ours is not finite.
double error_of(const Tensor& ours, const Tensor& theirs);

/// A system on a backend, from the fixture's initial weights (a preset: from its own), one iteration at a
/// time.
class Run {
 public:
  Run(const System& system, std::shared_ptr<Backend> backend);

  /// Feeds the inputs and scalars of `step` and runs it.
  void play(uint64_t step);
  /// A scalar output of the last step.
  double scalar(const std::string& output) { return program_->read(output).to(DType::f64).as<double>()[0]; }
  struct Gradient {
    int execution;  ///< which move of the iteration
    NamedTensor tensor;
  };
  /// The gradients of the last step, f64, named "<network>.main.0.weight".
  std::vector<Gradient> gradients();

  const Game& game() const { return game_; }
  Store& store() { return *store_; }

 private:
  const System& system_;
  Game game_;
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
  IterationOptions options_;
  std::unique_ptr<Program> program_;
};

}  // namespace agon::golden
