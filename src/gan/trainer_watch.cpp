#include "gan/trainer_watch.h"

#include <algorithm>
#include <cmath>

#include "agon/error.h"

#include "gan/trainer_states.h"

namespace agon {
namespace {

template <class T>
int64_t count_bad(const Tensor& tensor) {
  return std::ranges::count_if(tensor.as<T>(), [](T v) { return !std::isfinite(v); });
}

/// "D.main.0.weight (12 of 432 values)": parameters and statistics before the optimizer's slots that follow
/// them.
std::string first_bad_tensor(const Game& game, const Store& store) {
  std::vector<NamedTensor> tensors;
  for (const PlayerInfo& player : game.players())
    for (const std::string& network : player.networks)
      for (auto& [name, tensor] : game.export_network(store, network))
        tensors.push_back({network + "." + name, std::move(tensor)});
  std::ranges::move(save_states(game, store), std::back_inserter(tensors));
  for (const auto& [name, tensor] : tensors) {
    if (!is_float(tensor.dtype())) continue;
    const int64_t bad = tensor.dtype() == DType::f64 ? count_bad<double>(tensor) : count_bad<float>(tensor);
    if (bad > 0) return fmt::format("first bad tensor: {} ({} of {} values)", name, bad, tensor.numel());
  }
  return "all weights are still finite";
}

}  // namespace

void watch_numbers(const std::vector<std::string>& names, const StepRecord& record, const Game& game,
                   const Store& store, const std::string& run) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::isfinite(record.values[i])) continue;
    fail(ErrorKind::numeric,
         "step {}: {} is {}; {}; the last checkpoint in {} is from before; try a lower learning rate",
         record.step + 1, names[i], record.values[i], first_bad_tensor(game, store), run);
  }
}

}  // namespace agon
