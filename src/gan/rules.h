#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"
#include "agon/game.h"
#include "agon/network.h"

#include "gan/objective.h"
#include "gan/optimizer.h"
#include "nn/flat.h"

namespace agon::gan {

struct Player {
  std::string name;
  std::vector<size_t> networks;
  nn::FlatLayout layout;
  Optimizer optimizer;
  Schedule schedule;
  std::optional<double> clip;
  std::optional<Ema> ema;
};

enum class TermKind { adversarial, gradient_penalty, r1, softmax_cross_entropy };

/// One summand of a move's loss.
struct Term {
  TermKind kind = TermKind::adversarial;
  double weight = 1;
  Objective objective;          ///< adversarial
  bool generator_side = false;  ///< adversarial
  size_t discriminator = 0, generator = 0;
  double coefficient = 10;  ///< lambda of gradient_penalty, gamma of r1
  size_t network = 0;       ///< softmax_cross_entropy
  std::string where;

  bool needs_real() const { return !(kind == TermKind::adversarial && generator_side); }
  bool needs_fake() const { return kind == TermKind::adversarial || kind == TermKind::gradient_penalty; }
};

struct Move {
  std::string name;
  size_t player = 0;
  int repeat = 1;
  int64_t every = 1;
  std::optional<bool> reuse_fake;
  std::vector<Term> terms;
};

/// The tables of a game, read and checked.
struct Rules {
  explicit Rules(const Config& config);

  /// Index of a network. Throws Error(usage) with the nearest name; `where` begins the message.
  size_t network(std::string_view name, std::string_view where) const;
  /// The player that owns a network.
  size_t owner(size_t network) const;

  Shape image;  ///< [height, width, channels]
  std::vector<Network> networks;
  std::vector<bool> uniform_noise;  ///< per network: the latent's law
  std::vector<Player> players;
  std::vector<Move> moves;
  std::optional<size_t> generator;  ///< of the first adversarial loss
  bool batch_statistics_in_samples = false;

  std::vector<std::vector<size_t>> variants;  ///< the moves of each kind of iteration
  std::vector<int> phases;                    ///< step modulo its size -> variant
};

/// One update of an iteration.
struct Execution {
  size_t move = 0;
  int repeat = 0;        ///< of the move
  int update = 0;        ///< of the player within the iteration
  int draw = -1;         ///< batch of data, -1: none
  bool label = false;    ///< the draw's labels are used
  bool noise = false;    ///< draws latents (else it reuses the last generated images)
  bool epsilon = false;  ///< draws the weights of a gradient penalty
  size_t generator = 0;  ///< whose latents, where `noise`
};

/// The updates of an iteration in order.
std::vector<Execution> plan(const Rules& rules, int variant);

// Names of states, inputs and scalars.
std::string buffer_state(const Network& network, std::string_view buffer, bool ema);
std::string flat_state(const Player& player, std::string_view slot);
std::string correction_name(const Player& player, int update, int which);
/// "real" or "real.<draw>".
std::string drawn_name(std::string_view kind, int draw, int draws);

/// Binds the parameters of a player's networks to views of its buffer `flat`; `bindings` has one entry per
/// network of the game. Returns the views in the order of the player's layout.
std::vector<Value> bind_parameters(const Rules& rules, size_t player, Value flat,
                                   std::vector<Binding>& bindings);
/// Binds a network's buffers to their states.
void bind_buffers(Graph& graph, const Network& network, bool ema, Binding& binding);

/// The graph of Game::iteration.
Graph build_iteration(const Rules& rules, int64_t batch, const IterationOptions& options);

}  // namespace agon::gan

namespace agon {
struct Game::Rules : gan::Rules {
  using gan::Rules::Rules;
};
}  // namespace agon
