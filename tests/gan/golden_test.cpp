#include <algorithm>
#include <cmath>

#include "agon/game.h"
#include "agon/program.h"

#include "catch.h"
#include "gan/golden_systems.h"

using namespace agon;

namespace {

/// max |ours - theirs| / max |theirs|.
double error_of(const Tensor& ours, const Tensor& theirs) {
  REQUIRE(ours.numel() == theirs.numel());
  const auto a = ours.as<double>(), b = theirs.as<double>();
  double worst = 0, scale = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return std::isfinite(worst) ? worst / std::max(scale, 1e-30) : INFINITY;
}

class Match {
 public:
  explicit Match(const std::string& name)
      : system_(golden::load(name)), game_(system_.config), store_(backend_->make_store()) {
    game_.initialise(*store_, 1);
    for (const char* network : {"G", "D"})
      game_.import_network(*store_, network, golden::weights(system_, "init", network));
    options_.feed_noise = options_.details = true;
    program_ = backend_->compile(game_.iteration(system_.batch, options_), *store_, {});
  }

  void play(uint64_t step) {
    for (const GameInput& input : game_.inputs(system_.batch, options_))
      program_->write(input.name, golden::input_value(system_, input, step));
    for (const auto& scalar : game_.scalars(step, 0)) program_->set_scalar(scalar.name, scalar.value);
    program_->run(step);
    compare_losses(step);
    compare_gradients(step);
  }

  /// Weights and running statistics after the last step.
  void compare_state() {
    for (const char* network : {"G", "D"}) {
      const auto theirs = golden::weights(system_, "final", network);
      const auto ours = game_.export_network(*store_, network);
      REQUIRE(!ours.empty());
      for (const auto& tensor : ours) {
        const auto it = std::ranges::find(theirs, tensor.name, &NamedTensor::name);
        INFO(system_.name << " " << network << "." << tensor.name);
        REQUIRE(it != theirs.end());
        CHECK(tensor.tensor.shape() == it->tensor.shape());
        CHECK(error_of(tensor.tensor, it->tensor) < 1e-8);
      }
    }
  }

  int steps() const { return system_.steps; }

 private:
  void compare_loss(const std::string& ours, const std::string& theirs, uint64_t step, size_t k) {
    const Tensor& expected = system_.tensor(theirs);
    const size_t columns = static_cast<size_t>(expected.numel()) / static_cast<size_t>(system_.steps);
    const double want = expected.as<double>()[step * columns + k];
    const double got = program_->read(ours).as<double>()[0];
    INFO(system_.name << " step " << step << " " << ours << ": " << got << " against " << want);
    CHECK(std::abs(got - want) <= 1e-8 * std::max(1.0, std::abs(want)));
  }

  void compare_losses(uint64_t step) {
    const auto critic = static_cast<size_t>(game_.draws());
    for (size_t k = 0; k < critic; ++k) {
      const std::string name = "loss_D." + std::to_string(k);
      compare_loss(name, "loss/D", step, k);
      compare_loss(name + ".real", "loss/D.real", step, k);
      compare_loss(name + ".fake", "loss/D.fake", step, k);
      if (system_.name == "wgan-gp") compare_loss(name + ".penalty", "loss/D.penalty", step, k);
    }
    compare_loss("loss_G.0", "loss/G", step, 0);
  }

  void compare_gradients(uint64_t step) {
    const std::string prefix = "grad/" + std::to_string(step) + "/";
    const int critic = game_.draws();
    for (int move = 0; move <= critic; ++move) {
      const std::string player = move < critic ? "D" : "G";
      const std::string output = "grad_" + player + "." + std::to_string(move < critic ? move : 0);
      for (const auto& g : game_.unflatten(player, program_->read(output))) {
        const Tensor* theirs = system_.file.find(prefix + std::to_string(move) + "/" + g.name);
        if (!theirs) continue;  // kept for a few steps only
        INFO(system_.name << " step " << step << " move " << move << " gradient of " << g.name);
        CHECK(error_of(g.tensor, *theirs) < 1e-8);
        ++gradients_;
      }
    }
  }

 public:
  int gradients_ = 0;

 private:
  golden::System system_;
  Game game_;
  std::shared_ptr<Backend> backend_ = open_backend("reference");
  std::unique_ptr<Store> store_;
  IterationOptions options_;
  std::unique_ptr<Program> program_;
};

}  // namespace

// A layer, loss, optimizer or the order of an iteration would differ from PyTorch's: no result could be
// trusted.
TEST_CASE("whole iterations equal PyTorch's in float64, free-running", "[golden]") {
  for (const std::string& name : golden::names()) {
    Match match(name);
    for (int step = 0; step < match.steps(); ++step) match.play(static_cast<uint64_t>(step));
    match.compare_state();
    CHECK(match.gradients_ > 0);
  }
}
