#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agon/config.h"
#include "agon/graph.h"
#include "agon/named_tensor.h"
#include "agon/network.h"
#include "agon/program.h"

namespace agon {

/// What the host feeds to an iteration. All draws of a batch with the same `draw` are the same samples.
struct GameInput {
  enum class Kind : uint8_t {
    real,     ///< images f32 [batch, height, width, channels] in [-1, 1]
    label,    ///< classes i32 [batch]
    noise,    ///< latent f32 [batch, ...]; only with IterationOptions::feed_noise
    epsilon,  ///< f32 [batch], uniform weights of the gradient penalty; only with feed_noise
  };
  std::string name;  ///< "real" and "label", or "real.0" .. where an iteration draws several batches
  Kind kind;
  Shape shape;
  DType dtype = DType::f32;
  int draw = 0;       ///< real, label: which batch of the iteration
  int execution = 0;  ///< which move of the iteration first uses it (repeats count)
};

struct IterationOptions {
  int variant = 0;          ///< see Game::variant
  bool feed_noise = false;  ///< latents and penalty weights are inputs "z.<n>", "epsilon.<n>" (n = execution)
  /// Further outputs: every execution's "loss_<move>.<k>", its parts "loss_<move>.<k>.<term>" and its flat
  /// gradient "grad_<move>.<k>".
  bool details = false;
};

struct SamplerOptions {
  bool ema = true;          ///< the averaged generator where the player keeps one
  bool feed_noise = false;  ///< latents are the input "z"
};

/// A value of the step block.
struct ScalarValue {
  std::string name;
  double value;
};

/// One player: a group of parameters with an optimizer.
struct PlayerInfo {
  std::string name;
  std::vector<std::string> networks;
  std::string optimizer;    ///< "adam", "rmsprop", "sgd"
  int64_t parameters = 0;   ///< trainable numbers
  int64_t state_bytes = 0;  ///< parameters, optimizer slots, EMA and buffers in f32
  bool ema = false;
};

/// The rules of an adversarial game, built from a config: networks, players (parameter group + optimizer),
/// moves (which losses update which player, how often). Holds no state and knows no backend: it makes graphs
/// and says which scalars they need. A classifier is a game with one player.
///
/// States it declares: "<player>.params" (all parameters flat, each 16-float aligned), "<player>.adam_m",
/// ".adam_v", ".rmsprop_v", ".rmsprop_buffer", ".sgd_buffer", "<player>.ema", buffers
/// "<network>.main.3.running_mean" and their averages "ema.<network>.main.3.running_mean".
class Game {
 public:
  /// Throws Error(usage), with file and line, for a config that describes no game.
  explicit Game(const Config& config);
  ~Game();
  Game(Game&&) noexcept;
  Game& operator=(Game&&) noexcept;

  /// One iteration: all its moves, in order. Outputs: "loss_<move>" (mean over its repeats),
  /// "grad_norm_<player>", "weight_norm_<player>" (of the last update), for adversarial losses
  /// "score_<discriminator>_real" and "score_<discriminator>_fake" (means of D's output before the move's
  /// update; probabilities where the objective is logistic), for softmax_cross_entropy "accuracy_<move>".
  Graph iteration(int64_t batch, const IterationOptions& options = {}) const;
  /// What iteration(batch, options) must be fed, in order of use.
  std::vector<GameInput> inputs(int64_t batch, const IterationOptions& options = {}) const;
  /// Batches of data that one iteration of a variant consumes (n_critic of WGAN-GP: 5).
  int draws(int variant = 0) const;

  /// Lazy moves (every > 1) make iterations differ: step `s` runs variant(s) of variants().
  int variants() const;
  int variant(uint64_t step) const;
  /// Every scalar of the iteration at `step` (from 0): learning rates by schedule, Adam's corrections 1 -
  /// beta^t with t counting that player's updates, EMA weights. `total_steps` is the length of the run, which
  /// schedules refer to.
  std::vector<ScalarValue> scalars(uint64_t step, uint64_t total_steps) const;

  /// Images of the generator: output "images" f32 [batch, height, width, channels] in [-1, 1]. Nothing is
  /// updated. `network` "" is the generator of the first adversarial loss (or "G").
  Graph sampler(int64_t batch, const SamplerOptions& options = {}, std::string_view network = "") const;
  /// A network on given data in Mode::eval: input "x" [batch, ...network.input()], output "y" and one output
  /// per tap.
  Graph evaluator(std::string_view network, int64_t batch, bool ema = false) const;

  /// Declares every state and writes its initial value. Draws are keyed by (seed, parameter name): they do
  /// not depend on order, backend or other networks.
  void initialise(Store& store, uint64_t seed) const;

  const std::vector<Network>& networks() const;
  /// Throws Error(usage) with the nearest name.
  const Network& network(std::string_view name) const;
  std::vector<PlayerInfo> players() const;
  std::vector<std::string> move_names() const;
  /// The generator that sampler() takes by default; "" in a game without one (a classifier).
  std::string generator() const;
  /// Extent of the generator's input (nz).
  int64_t latent_size() const;
  std::vector<LayerRow> layer_table() const;

  /// A network's parameters and buffers with PyTorch's names and layouts (OIHW; conv_transpose (in, out, kh,
  /// kw)), f32 or f64 as the store reads; spectral norm's weight_v is
  /// computed from u. With `ema`, the averaged copy.
  std::vector<NamedTensor> export_network(const Store& store, std::string_view network,
                                          bool ema = false) const;
  /// The inverse. Throws Error(data) that names a missing, superfluous or misshapen tensor ("weight_v" and
  /// "num_batches_tracked" are ignored).
  void import_network(Store& store, std::string_view network, std::span<const NamedTensor> tensors,
                      bool ema = false) const;
  /// Splits a flat buffer of a player (a gradient, an optimizer slot) into PyTorch-named tensors
  /// "<network>.main.0.weight".
  std::vector<NamedTensor> unflatten(std::string_view player, const Tensor& flat) const;

 private:
  struct Rules;
  std::unique_ptr<const Rules> rules_;
};

}  // namespace agon
