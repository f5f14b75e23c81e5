#include <algorithm>
#include <set>

#include "agon/error.h"
#include "agon/game.h"

#include "gan/rules.h"
#include "nn/flat.h"
#include "nn/initialise.h"
#include "nn/layers/spectral.h"

namespace agon {
namespace {

/// Elements of one item of a flat buffer, as a tensor of the buffer's dtype.
Tensor cut(const Tensor& flat, const nn::FlatLayout::Item& item) {
  Tensor part(flat.dtype(), item.parameter.shape);
  const size_t width = size_of(flat.dtype());
  const auto source = flat.bytes().subspan(static_cast<size_t>(item.offset) * width, part.bytes().size());
  std::ranges::copy(source, part.bytes().begin());
  return part;
}

void paste(const Tensor& flat, const nn::FlatLayout::Item& item, const Tensor& part) {
  const Tensor same = part.to(flat.dtype());
  std::ranges::copy(same.bytes(),
                    flat.bytes().subspan(static_cast<size_t>(item.offset) * size_of(flat.dtype())).begin());
}

/// PyTorch's spectral norm wants weight_v beside weight_u.
void add_right_vectors(const Network& network, std::vector<NamedTensor>& tensors) {
  const auto find = [&](const std::string& name) {
    return std::ranges::find(tensors, name, &NamedTensor::name);
  };
  for (const LayerRow& row : network.layer_table()) {
    const auto u = find(row.module + ".weight_u");
    if (u == tensors.end()) continue;
    const Tensor weight = find(row.module + ".weight_orig")->tensor;
    const Tensor v = nn::right_vector(weight, u->tensor, row.type == "conv_transpose");
    tensors.push_back({row.module + ".weight_v", v.to(weight.dtype())});
  }
}

}  // namespace

void Game::initialise(Store& store, uint64_t seed) const {
  const auto put = [&](const std::string& name, const Tensor& value) {
    store.declare(name, DType::f32, value.shape());
    store.write(name, value);
  };
  for (const gan::Player& player : rules_->players) {
    Tensor flat(DType::f32, {player.layout.size()});
    for (const auto& item : player.layout.items())
      paste(flat, item, nn::initial_value(item.parameter, item.network + "." + item.parameter.name, seed));
    put(gan::flat_state(player, "params"), flat);
    for (const std::string& slot : player.optimizer.slots())
      put(gan::flat_state(player, slot), Tensor(DType::f32, flat.shape()));
    if (player.ema) put(gan::flat_state(player, "ema"), flat);
    for (const size_t n : player.networks) {
      const Network& net = rules_->networks[n];
      for (const Parameter& buffer : net.buffers()) {
        const Tensor value = nn::initial_value(buffer, net.name() + "." + buffer.name, seed);
        put(gan::buffer_state(net, buffer.name, false), value);
        if (player.ema) put(gan::buffer_state(net, buffer.name, true), value);
      }
    }
  }
}

std::vector<NamedTensor> Game::export_network(const Store& store, std::string_view network, bool ema) const {
  const size_t index = rules_->network(network, "export");
  const Network& net = rules_->networks[index];
  const gan::Player& player = rules_->players[rules_->owner(index)];
  check(!ema || player.ema, ErrorKind::usage, "export: player '{}' keeps no average", player.name);
  const Tensor flat = store.read(gan::flat_state(player, ema ? "ema" : "params"));
  std::vector<NamedTensor> result;
  for (const auto& item : player.layout.items())
    if (item.network == net.name())
      result.push_back({item.parameter.name, nn::to_disk(item.parameter, cut(flat, item))});
  for (const Parameter& buffer : net.buffers())
    result.push_back(
        {buffer.name, nn::to_disk(buffer, store.read(gan::buffer_state(net, buffer.name, ema)))});
  add_right_vectors(net, result);
  return result;
}

void Game::import_network(Store& store, std::string_view network, std::span<const NamedTensor> tensors,
                          bool ema) const {
  const size_t index = rules_->network(network, "import");
  const Network& net = rules_->networks[index];
  const gan::Player& player = rules_->players[rules_->owner(index)];
  check(!ema || player.ema, ErrorKind::usage, "import: player '{}' keeps no average", player.name);
  std::set<std::string> used;
  const auto value_of = [&](const Parameter& parameter) {
    const auto it = std::ranges::find(tensors, parameter.name, &NamedTensor::name);
    check(it != tensors.end(), ErrorKind::data, "network '{}': there is no tensor '{}'", network,
          parameter.name);
    check(it->tensor.shape() == parameter.disk, ErrorKind::data, "network '{}': tensor '{}' is {}, not {}",
          network, parameter.name, it->tensor.shape().str(), parameter.disk.str());
    used.insert(parameter.name);
    const bool wide = it->tensor.dtype() == DType::f64;
    return nn::from_disk(parameter, wide ? it->tensor : it->tensor.to(DType::f32));
  };
  // Everything is read and checked before the store is touched.
  const std::string flat_name = gan::flat_state(player, ema ? "ema" : "params");
  const Tensor flat = store.read(flat_name).to(DType::f64);
  for (const auto& item : player.layout.items())
    if (item.network == net.name()) paste(flat, item, value_of(item.parameter));
  std::vector<NamedTensor> buffers;
  for (const Parameter& buffer : net.buffers())
    buffers.push_back({gan::buffer_state(net, buffer.name, ema), value_of(buffer)});
  for (const NamedTensor& tensor : tensors)
    check(used.contains(tensor.name) || tensor.name.ends_with("weight_v") ||
              tensor.name.ends_with("num_batches_tracked"),
          ErrorKind::data, "network '{}' has no tensor '{}': these are weights of another model", network,
          tensor.name);
  store.write(flat_name, flat);
  for (const NamedTensor& buffer : buffers) store.write(buffer.name, buffer.tensor);
}

std::vector<NamedTensor> Game::unflatten(std::string_view player, const Tensor& flat) const {
  const auto it = std::ranges::find(rules_->players, player, &gan::Player::name);
  check(it != rules_->players.end(), ErrorKind::usage, "game: there is no player '{}'", player);
  check(flat.numel() == it->layout.size(), ErrorKind::usage, "unflatten: {} elements, player '{}' has {}",
        flat.numel(), player, it->layout.size());
  std::vector<NamedTensor> result;
  for (const auto& item : it->layout.items())
    result.push_back(
        {item.network + "." + item.parameter.name, nn::to_disk(item.parameter, cut(flat, item))});
  return result;
}

}  // namespace agon
