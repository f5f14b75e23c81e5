#include "gan/trainer_calendar.h"

#include <numeric>

#include "agon/error.h"

namespace agon {
namespace {

uint64_t interval(const Config& config, const char* key, uint64_t least) {
  const int64_t value = config.integer(key);
  check(value >= static_cast<int64_t>(least), ErrorKind::usage, "{}: {} is {}; give at least {}",
        config.where(key), key, value, least);
  return static_cast<uint64_t>(value);
}

/// Iterations after which the pattern of lazy moves repeats.
uint64_t cycle_length(const Config& config) {
  uint64_t length = 1;
  const ConfigNode* moves = config.find("moves");
  if (moves && moves->is_array())
    for (const ConfigNode& move : std::get<ConfigNode::Array>(moves->value))
      if (const ConfigNode* every = move.find("every");
          every && std::holds_alternative<int64_t>(every->value))
        length = std::lcm(length, static_cast<uint64_t>(std::get<int64_t>(every->value)));
  return length;
}

}  // namespace

Calendar::Calendar(const Config& config, const Game& game, uint64_t batches_per_epoch)
    : per_epoch_(batches_per_epoch),
      log_(interval(config, "log.every", 1)),
      sample_(interval(config, "sample.every", 0)),
      checkpoint_(interval(config, "checkpoint.every", 0)),
      eval_(interval(config, "eval.every", 0)) {
  cycle_.push_back(0);
  for (uint64_t step = 0; step < cycle_length(config); ++step)
    cycle_.push_back(cycle_.back() + static_cast<uint64_t>(game.draws(game.variant(step))));
  check(cycle_.back() > 0, ErrorKind::usage, "moves: no move uses real images; there is nothing to train on");

  total_ = interval(config, "train.steps", 0);
  if (total_ > 0) return;
  const uint64_t epochs = interval(config, "train.epochs", 1);
  const uint64_t wanted = epochs * per_epoch_;
  total_ = wanted / cycle_.back() * (cycle_.size() - 1);
  while (batches(total_) < wanted) ++total_;
}

uint64_t Calendar::batches(uint64_t step) const {
  const uint64_t length = cycle_.size() - 1;
  return step / length * cycle_.back() + cycle_[step % length];
}

double Calendar::epoch(uint64_t step) const {
  return static_cast<double>(batches(step)) / static_cast<double>(per_epoch_);
}

bool Calendar::ends_epoch(uint64_t step) const {
  return step > 0 && batches(step) / per_epoch_ > batches(step - 1) / per_epoch_;
}

double Calendar::steps_per_epoch() const {
  return static_cast<double>(per_epoch_) * static_cast<double>(cycle_.size() - 1) /
         static_cast<double>(cycle_.back());
}

}  // namespace agon
