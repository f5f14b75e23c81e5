#pragma once
#include <string>
#include <vector>

#include "agon/config.h"
#include "agon/game.h"
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

/// The fixture's "<prefix>/<network>." tensors with that prefix taken off.
std::vector<NamedTensor> weights(const System& system, const std::string& prefix, const std::string& network);

/// The values of an input at a step, f64: uniform Philox numbers, in [-1, 1) for images and latents.
Tensor input_value(const System& system, const GameInput& input, uint64_t step);

}  // namespace agon::golden
