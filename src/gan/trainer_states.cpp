#include "gan/trainer_states.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "nn/flat.h"

namespace agon {
namespace {

/// The flat layouts of all players, and which states follow them.
class Layouts {
 public:
  explicit Layouts(const Game& game) {
    for (const PlayerInfo& player : game.players()) {
      nn::FlatLayout& layout = by_player_[player.name];
      for (const std::string& network : player.networks) layout.add(game.network(network));
    }
  }

  struct Flat {
    const nn::FlatLayout* layout = nullptr;  ///< nullptr: the state is no flat buffer
    std::string prefix;                      ///< of the names on disk: "", "adam_m.", "ema."
  };
  Flat find(const std::string& state) const {
    const size_t dot = state.find('.');
    const auto player = by_player_.find(state.substr(0, dot));
    if (dot == std::string::npos || player == by_player_.end()) return {};
    const std::string slot = state.substr(dot + 1);
    // Buffers ("D.main.3.running_mean") may begin with the name of a player too, but have more parts.
    if (slot.find('.') != std::string::npos) return {};
    return {&player->second, slot == "params" ? "" : slot + "."};
  }

 private:
  std::map<std::string, nn::FlatLayout> by_player_;
};

Tensor part(const Tensor& flat, const nn::FlatLayout::Item& item) {
  Tensor result(flat.dtype(), item.parameter.shape);
  const size_t size = size_of(flat.dtype());
  std::memcpy(result.bytes().data(), flat.bytes().data() + static_cast<size_t>(item.offset) * size,
              result.bytes().size());
  return result;
}

std::string disk_name(const std::string& prefix, const nn::FlatLayout::Item& item) {
  return prefix + item.network + "." + item.parameter.name;
}

/// Takes tensors by name and knows at the end which nobody wanted.
class Supply {
 public:
  Supply(std::span<const NamedTensor> tensors, const std::string& where) : where_(where) {
    for (const auto& [name, tensor] : tensors) by_name_.emplace(name, tensor);
  }
  Tensor take(const std::string& name, const Shape& shape) {
    const auto found = by_name_.find(name);
    check(found != by_name_.end(), ErrorKind::data,
          "{}: tensor '{}' is missing; the checkpoint is of another model than the config", where_, name);
    check(found->second.shape() == shape, ErrorKind::data,
          "{}: tensor '{}' is {}, the model wants {}; the checkpoint is of another model than the config",
          where_, name, found->second.shape().str(), shape.str());
    check(is_float(found->second.dtype()), ErrorKind::data, "{}: tensor '{}' is {}, not a float", where_,
          name, name_of(found->second.dtype()));
    Tensor tensor = std::move(found->second);
    by_name_.erase(found);
    return tensor;
  }
  void finish() const {
    check(by_name_.empty(), ErrorKind::data,
          "{}: the model has no tensor '{}'; the checkpoint is of another model than the config", where_,
          by_name_.empty() ? "" : by_name_.begin()->first);
  }

 private:
  std::map<std::string, Tensor> by_name_;
  std::string where_;
};

Tensor assemble(Supply& supply, const Layouts::Flat& flat, DType dtype) {
  Tensor result(dtype, {flat.layout->size()});
  for (const auto& item : flat.layout->items()) {
    const Tensor native =
        nn::from_disk(item.parameter, supply.take(disk_name(flat.prefix, item), item.parameter.disk))
            .to(dtype);
    std::memcpy(result.bytes().data() + static_cast<size_t>(item.offset) * size_of(dtype),
                native.bytes().data(), native.bytes().size());
  }
  return result;
}

}  // namespace

std::vector<NamedTensor> save_states(const Game& game, const Store& store) {
  const Layouts layouts(game);
  std::vector<NamedTensor> result;
  for (const std::string& name : store.names()) {
    Tensor tensor = store.read(name);
    const auto flat = layouts.find(name);
    if (flat.layout == nullptr) {
      result.push_back({name, std::move(tensor)});
      continue;
    }
    for (const auto& item : flat.layout->items())
      result.push_back({disk_name(flat.prefix, item), nn::to_disk(item.parameter, part(tensor, item))});
  }
  return result;
}

void load_states(const Game& game, Store& store, std::span<const NamedTensor> tensors,
                 const std::string& where) {
  const Layouts layouts(game);
  Supply supply(tensors, where);
  std::vector<NamedTensor> loaded;
  for (const std::string& name : store.names()) {
    const Tensor now = store.read(name);
    const auto flat = layouts.find(name);
    loaded.push_back({name, flat.layout == nullptr ? supply.take(name, now.shape())
                                                   : assemble(supply, flat, now.dtype())});
  }
  supply.finish();
  // Nothing is written before all is found to fit.
  for (const auto& [name, tensor] : loaded) store.write(name, tensor);
}

}  // namespace agon
