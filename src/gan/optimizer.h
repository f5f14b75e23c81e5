#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"
#include "agon/graph.h"

namespace agon::gan {

/// A learning rate over a run, evaluated on the host.
struct Schedule {
  enum class Kind { constant, linear, cosine, step };
  Kind kind = Kind::constant;
  double begin = 0;    ///< linear, cosine: share of the run before the decay begins
  double factor = 0;   ///< linear, cosine: last rate / first; step: of each drop
  int64_t every = 0;   ///< step: steps between drops
  int64_t warmup = 0;  ///< steps over which the rate rises from 0

  /// The factor of the learning rate at `step` (from 0) of `total` steps (0: unknown, no decay by share).
  double at(uint64_t step, uint64_t total) const;
};

/// Adam (Kingma and Ba, ICLR 2015), RMSProp (centred: no) or SGD with momentum, as torch.optim computes them,
/// over a player's flat buffer.
struct Optimizer {
  enum class Kind { adam, rmsprop, sgd };
  Kind kind = Kind::adam;
  OptimizerAttr attr;
  double lr = 2e-4;

  std::string_view name() const;
  /// Names of the state buffers besides the parameters: "adam_m", "adam_v", ...
  std::vector<std::string> slots() const;

  struct Update {
    Value params;
    std::vector<Value> slots;
    Value gradient_square, weight_square;  ///< sums over the buffer
  };
  /// Appends one update. `corrections` are 1 - beta1^t and 1 - beta2^t (adam only, else unused).
  Update apply(Value params, Value gradient, std::span<const Value> slots, Value rate,
               std::span<const Value> corrections) const;
};

/// From the tables players.NAME.optimizer and players.NAME.schedule (either may be nullptr). Throw
/// Error(usage).
Optimizer parse_optimizer(const ConfigNode* table);
Schedule parse_schedule(const ConfigNode* table);

/// Exponential moving average of a player's parameters.
struct Ema {
  double decay = 0;
  bool warmup = true;           ///< decay at most (1 + t) / (10 + t) at step t
  bool average_buffers = true;  ///< running statistics are averaged, not copied

  /// The share of the new value at `step`.
  double weight(uint64_t step) const;
};
std::optional<Ema> parse_ema(const ConfigNode* table);

}  // namespace agon::gan
