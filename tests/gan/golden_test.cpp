#include <algorithm>
#include <cmath>

#include "catch.h"
#include "gan/golden_systems.h"

using namespace agon;

namespace {

void compare_loss(const golden::System& system, golden::Run& run, const std::string& ours,
                  const std::string& theirs, uint64_t step, size_t k) {
  const Tensor& expected = system.tensor(theirs);
  const size_t columns = static_cast<size_t>(expected.numel()) / static_cast<size_t>(system.steps);
  const double want = expected.as<double>()[step * columns + k], got = run.scalar(ours);
  INFO(system.name << " step " << step << " " << ours << ": " << got << " against " << want);
  CHECK(std::abs(got - want) <= 1e-8 * std::max(1.0, std::abs(want)));
}

void compare_losses(const golden::System& system, golden::Run& run, uint64_t step) {
  const auto critic = static_cast<size_t>(run.game().draws());
  for (size_t k = 0; k < critic; ++k) {
    const std::string name = "loss_D." + std::to_string(k);
    compare_loss(system, run, name, "loss/D", step, k);
    compare_loss(system, run, name + ".real", "loss/D.real", step, k);
    compare_loss(system, run, name + ".fake", "loss/D.fake", step, k);
    if (system.name == "wgan-gp") compare_loss(system, run, name + ".penalty", "loss/D.penalty", step, k);
  }
  compare_loss(system, run, "loss_G.0", "loss/G", step, 0);
}

/// The fixture keeps the gradients of a few steps. Returns how many tensors were compared.
int compare_gradients(const golden::System& system, golden::Run& run, uint64_t step) {
  int compared = 0;
  for (const auto& [move, tensor] : run.gradients()) {
    const std::string name = "grad/" + std::to_string(step) + "/" + std::to_string(move) + "/" + tensor.name;
    const Tensor* theirs = system.file.find(name);
    if (!theirs) continue;
    INFO(system.name << " " << name);
    CHECK(golden::error_of(tensor.tensor, *theirs) < 1e-8);
    ++compared;
  }
  return compared;
}

/// Weights, running statistics and spectral norm's u.
void compare_state(const golden::System& system, golden::Run& run) {
  for (const char* network : {"G", "D"}) {
    const auto theirs = golden::weights(system, "final", network);
    const auto ours = run.game().export_network(run.store(), network);
    REQUIRE(!ours.empty());
    for (const auto& tensor : ours) {
      if (tensor.name.ends_with("weight_v")) continue;  // PyTorch's belongs to the u before
      const auto it = std::ranges::find(theirs, tensor.name, &NamedTensor::name);
      INFO(system.name << " " << network << "." << tensor.name);
      REQUIRE(it != theirs.end());
      CHECK(tensor.tensor.shape() == it->tensor.shape());
      CHECK(golden::error_of(tensor.tensor, it->tensor) < 1e-8);
    }
  }
}

}  // namespace

// A layer, loss, optimizer or the order of an iteration would differ from PyTorch's: no result could be
// trusted.
TEST_CASE("whole iterations equal PyTorch's in float64, free-running", "[golden]") {
  for (const std::string& name : golden::names()) {
    const golden::System system = golden::load(name);
    golden::Run run(system, open_backend("reference"));
    int gradients = 0;
    for (int i = 0; i < system.steps; ++i) {
      const auto step = static_cast<uint64_t>(i);
      run.play(step);
      compare_losses(system, run, step);
      gradients += compare_gradients(system, run, step);
    }
    compare_state(system, run);
    CHECK(gradients == 3 * static_cast<int>(run.gradients().size()));
  }
}
