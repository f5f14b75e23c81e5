#include "gan/optimizer.h"

#include <algorithm>
#include <cmath>

#include "agon/error.h"

#include "gan/table.h"

namespace agon::gan {

double Schedule::at(uint64_t step, uint64_t total) const {
  double rate = 1;
  if (kind == Kind::step) rate = std::pow(factor, static_cast<double>(step / static_cast<uint64_t>(every)));
  if ((kind == Kind::linear || kind == Kind::cosine) && total > 0) {
    const double share = static_cast<double>(step) / static_cast<double>(total);
    const double t = std::clamp((share - begin) / (1 - begin), 0.0, 1.0);
    const double left = kind == Kind::linear ? 1 - t : 0.5 * (1 + std::cos(M_PI * t));
    rate = factor + (1 - factor) * left;
  }
  if (step < static_cast<uint64_t>(warmup))
    rate *= static_cast<double>(step + 1) / static_cast<double>(warmup);
  return rate;
}

std::string_view Optimizer::name() const {
  static constexpr std::string_view names[] = {"adam", "rmsprop", "sgd"};
  return names[static_cast<size_t>(kind)];
}

std::vector<std::string> Optimizer::slots() const {
  switch (kind) {
    case Kind::adam:
      return {"adam_m", "adam_v"};
    case Kind::rmsprop:
      return {"rmsprop_v", "rmsprop_buffer"};
    default:
      return {"sgd_buffer"};
  }
}

Optimizer::Update Optimizer::apply(Value params, Value gradient, std::span<const Value> slots, Value rate,
                                   std::span<const Value> corrections) const {
  static constexpr Op ops[] = {Op::adam, Op::rmsprop, Op::sgd};
  std::vector<Value> inputs = {params, gradient};
  inputs.insert(inputs.end(), slots.begin(), slots.end());
  inputs.push_back(rate);
  if (kind == Kind::adam) inputs.insert(inputs.end(), corrections.begin(), corrections.end());
  Graph& graph = params.graph();
  Update update;
  update.params = graph.append(ops[static_cast<size_t>(kind)], std::move(inputs), attr);
  const int count = static_cast<int>(slots.size());
  for (int i = 1; i <= count; ++i) update.slots.push_back(graph.port(update.params, i));
  update.gradient_square = graph.port(update.params, count + 1);
  update.weight_square = graph.port(update.params, count + 2);
  return update;
}

Optimizer parse_optimizer(const ConfigNode* table) {
  static const std::vector<std::string> types = {"adam", "rmsprop", "sgd"};
  Optimizer optimizer;
  optimizer.kind = static_cast<Optimizer::Kind>(choice_in(table, "type", types));
  const bool adam = optimizer.kind == Optimizer::Kind::adam,
             rmsprop = optimizer.kind == Optimizer::Kind::rmsprop;
  std::vector<std::string_view> own = {"type", "lr", "weight_decay"};
  for (const std::string_view key : adam      ? std::vector<std::string_view>{"beta1", "beta2", "eps"}
                                    : rmsprop ? std::vector<std::string_view>{"alpha", "momentum", "eps"}
                                              : std::vector<std::string_view>{"momentum"})
    own.push_back(key);
  if (table)
    for (const auto& [key, node] : std::get<ConfigNode::Table>(table->value))
      check(std::ranges::find(own, key) != own.end(), ErrorKind::usage, "{}: {} has no '{}'", node.where,
            optimizer.name(), key);

  optimizer.lr = number_in(table, "lr", 2e-4);
  optimizer.attr.beta1 = adam ? number_in(table, "beta1", 0.9) : number_in(table, "momentum", 0);
  optimizer.attr.beta2 = adam      ? number_in(table, "beta2", 0.999)
                         : rmsprop ? number_in(table, "alpha", 0.99)
                                   : 0;
  optimizer.attr.eps = number_in(table, "eps", 1e-8);
  optimizer.attr.weight_decay = number_in(table, "weight_decay", 0);
  const auto share = [&](double value, std::string_view key) {
    check(value >= 0 && value < 1, ErrorKind::usage, "{}: '{}' must be in [0, 1), not {}",
          where_in(table, key), key, value);
  };
  share(optimizer.attr.beta1, adam ? "beta1" : "momentum");
  share(optimizer.attr.beta2, adam ? "beta2" : "alpha");
  check(optimizer.lr >= 0 && std::isfinite(optimizer.lr), ErrorKind::usage,
        "{}: 'lr' must not be negative, it is {}", where_in(table, "lr"), optimizer.lr);
  check(optimizer.attr.eps > 0, ErrorKind::usage, "{}: 'eps' must be positive", where_in(table, "eps"));
  return optimizer;
}

Schedule parse_schedule(const ConfigNode* table) {
  static const std::vector<std::string> types = {"constant", "linear", "cosine", "step"};
  Schedule schedule;
  schedule.kind = static_cast<Schedule::Kind>(choice_in(table, "type", types));
  const bool by_step = schedule.kind == Schedule::Kind::step;
  schedule.begin = number_in(table, "begin", 0);
  schedule.factor = number_in(table, "factor", by_step ? 0.1 : 0);
  schedule.every = integer_in(table, "every", 0, 1);
  schedule.warmup = integer_in(table, "warmup", 0, 0);
  check(schedule.begin >= 0 && schedule.begin < 1, ErrorKind::usage, "{}: 'begin' must be in [0, 1), not {}",
        where_in(table, "begin"), schedule.begin);
  check(schedule.factor >= 0, ErrorKind::usage, "{}: 'factor' must not be negative",
        where_in(table, "factor"));
  check(!by_step || schedule.every > 0, ErrorKind::usage, "{}: the schedule 'step' needs 'every'",
        where_in(table, "type"));
  return schedule;
}

double Ema::weight(uint64_t step) const {
  const auto t = static_cast<double>(step);
  return 1 - (warmup ? std::min(decay, (1 + t) / (10 + t)) : decay);
}

std::optional<Ema> parse_ema(const ConfigNode* table) {
  if (!table) return {};
  static const std::vector<std::string> ways = {"average", "copy"};
  Ema ema;
  ema.decay = number_in(table, "decay", 0.999);
  ema.warmup = flag_in(table, "warmup", true);
  ema.average_buffers = choice_in(table, "buffers", ways) == 0;
  check(ema.decay >= 0 && ema.decay < 1, ErrorKind::usage, "{}: 'decay' must be in [0, 1), not {}",
        where_in(table, "decay"), ema.decay);
  return ema;
}

}  // namespace agon::gan
