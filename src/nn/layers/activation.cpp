#include "agon/error.h"

#include "core/nearest.h"
#include "nn/call.h"
#include "nn/layers/layers.h"

namespace agon::nn {

Module activation(const Row& row, const Shape& in) {
  const Call call = parse_call(row.string("activation"), row.where("activation"));
  static const std::vector<std::string> known = {"relu", "leaky_relu", "elu", "tanh", "sigmoid", "none"};
  static constexpr ActivationKind kinds[] = {ActivationKind::relu, ActivationKind::leaky_relu,
                                             ActivationKind::elu, ActivationKind::tanh,
                                             ActivationKind::sigmoid};
  static constexpr double fallback[] = {0, 0.01, 1, 0, 0};  // PyTorch's slope and alpha
  size_t which = 0;
  while (which < std::size(kinds) && known[which] != call.name) ++which;
  check(which < std::size(kinds), ErrorKind::usage, "{}: unknown activation '{}'{}", row.where("activation"),
        call.name, suggestion(call.name, known));
  const bool takes_number = fallback[which] > 0;
  check(call.arguments.size() <= (takes_number ? 1u : 0u), ErrorKind::usage,
        "{}: '{}' takes {} number in parentheses", row.where("activation"), call.name,
        takes_number ? "one" : "no");
  const Activation f{kinds[which], call.arguments.empty() ? fallback[which] : call.arguments[0]};
  check(!takes_number || f.alpha > 0, ErrorKind::usage, "{}: the number of '{}' must be positive",
        row.where("activation"), call.name);

  Module module;
  module.type = call.name;
  if (takes_number) module.detail = fmt::format("{}", f.alpha);
  module.output = in;
  module.apply = [f](const Context&, Value x) { return agon::activation(x, f); };
  return module;
}

Module dropout(double p, const Shape& in, const std::string& where) {
  check(p >= 0 && p < 1, ErrorKind::usage, "{}: 'dropout' must be in [0, 1), not {}", where, p);
  Module module;
  module.type = "dropout";
  module.detail = fmt::format("{}", p);
  module.output = in;
  module.apply = [p](const Context& context, Value x) {
    return context.training() ? agon::dropout(x, p) : x;
  };
  return module;
}

}  // namespace agon::nn
