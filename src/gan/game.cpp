#include "agon/game.h"

#include <algorithm>
#include <cmath>

#include "agon/error.h"

#include "gan/rules.h"
#include "nn/initialise.h"

namespace agon {
namespace {

constexpr int64_t sampler_stream = 0x73616d70;  // away from the streams of iterations, which count from 0

std::vector<Value> bind_all(Graph& graph, const gan::Rules& rules, size_t network, bool ema,
                            std::vector<Binding>& bindings) {
  const size_t owner = rules.owner(network);
  const gan::Player& player = rules.players[owner];
  bindings.resize(rules.networks.size());
  gan::bind_buffers(graph, rules.networks[network], ema, bindings[network]);
  const Value flat = graph.state(gan::flat_state(player, ema ? "ema" : "params"), {player.layout.size()});
  return gan::bind_parameters(rules, owner, flat, bindings);
}

}  // namespace

Game::Game(const Config& config) : rules_(std::make_unique<const Rules>(config)) {}
Game::~Game() = default;
Game::Game(Game&&) noexcept = default;
Game& Game::operator=(Game&&) noexcept = default;

Graph Game::iteration(int64_t batch, const IterationOptions& options) const {
  return gan::build_iteration(*rules_, batch, options);
}

std::vector<GameInput> Game::inputs(int64_t batch, const IterationOptions& options) const {
  const auto executions = gan::plan(*rules_, options.variant);
  const int count = draws(options.variant);
  std::vector<GameInput> result;
  for (size_t i = 0; i < executions.size(); ++i) {
    const auto& e = executions[i];
    const int number = static_cast<int>(i);
    const Shape& image = rules_->image;
    if (e.draw >= 0)
      result.push_back({gan::drawn_name("real", e.draw, count), GameInput::Kind::real,
                        Shape{batch, image[0], image[1], image[2]}, DType::f32, e.draw, number});
    if (e.label)
      result.push_back({gan::drawn_name("label", e.draw, count), GameInput::Kind::label, Shape{batch},
                        DType::i32, e.draw, number});
    if (e.noise && options.feed_noise)
      result.push_back({fmt::format("z.{}", i), GameInput::Kind::noise,
                        Shape{batch, rules_->networks[e.generator].input().numel()}, DType::f32, 0, number});
    if (e.epsilon && options.feed_noise)
      result.push_back(
          {fmt::format("epsilon.{}", i), GameInput::Kind::epsilon, Shape{batch}, DType::f32, 0, number});
  }
  return result;
}

int Game::draws(int variant) const {
  int count = 0;
  for (const auto& e : gan::plan(*rules_, variant)) count += e.draw >= 0 ? 1 : 0;
  return count;
}

int Game::variants() const {
  return static_cast<int>(rules_->variants.size());
}
int Game::variant(uint64_t step) const {
  return rules_->phases[step % rules_->phases.size()];
}

std::vector<ScalarValue> Game::scalars(uint64_t step, uint64_t total_steps) const {
  std::vector<ScalarValue> result;
  std::vector<uint64_t> updates(rules_->players.size(), 0);  // before this step
  for (const auto& move : rules_->moves) {
    const auto every = static_cast<uint64_t>(move.every);
    updates[move.player] += (step + every - 1) / every * static_cast<uint64_t>(move.repeat);
  }
  std::vector<bool> seen(rules_->players.size(), false);
  for (const auto& e : gan::plan(*rules_, variant(step))) {
    const size_t index = rules_->moves[e.move].player;
    const gan::Player& player = rules_->players[index];
    if (!seen[index]) {
      result.push_back({player.name + ".lr", player.optimizer.lr * player.schedule.at(step, total_steps)});
      if (player.ema) result.push_back({player.name + ".ema_weight", player.ema->weight(step)});
    }
    seen[index] = true;
    if (player.optimizer.kind != gan::Optimizer::Kind::adam) continue;
    const auto t = static_cast<double>(updates[index] + static_cast<uint64_t>(e.update) + 1);
    const auto& attr = player.optimizer.attr;
    result.push_back({gan::correction_name(player, e.update, 1), 1 - std::pow(attr.beta1, t)});
    result.push_back({gan::correction_name(player, e.update, 2), 1 - std::pow(attr.beta2, t)});
  }
  return result;
}

Graph Game::sampler(int64_t batch, const SamplerOptions& options, std::string_view network) const {
  const std::string name = network.empty() ? generator() : std::string(network);
  check(!name.empty(), ErrorKind::usage, "this game has no generator to sample from");
  const size_t index = rules_->network(name, "sampler");
  const Network& net = rules_->networks[index];
  const bool ema = options.ema && rules_->players[rules_->owner(index)].ema;
  Graph graph;
  const Shape shape{batch, net.input().numel()};
  Value z;
  if (options.feed_noise)
    z = graph.input("z", shape);
  else if (rules_->uniform_noise[index])
    z = graph.random_uniform(shape, sampler_stream) * 2 - 1;
  else
    z = graph.random_normal(shape, sampler_stream);
  std::vector<Binding> bindings;
  bind_all(graph, *rules_, index, ema, bindings);
  const Mode mode = rules_->batch_statistics_in_samples ? Mode::batch : Mode::eval;
  graph.output("images", net.apply(bindings[index], z, mode));
  return graph;
}

Graph Game::evaluator(std::string_view network, int64_t batch, bool ema) const {
  const size_t index = rules_->network(network, "evaluator");
  const Network& net = rules_->networks[index];
  check(!ema || rules_->players[rules_->owner(index)].ema, ErrorKind::usage,
        "evaluator: the player of network '{}' keeps no average", network);
  Graph graph;
  Shape shape{batch};
  for (const int64_t extent : net.input()) shape.push_back(extent);
  const Value x = graph.input("x", shape);
  std::vector<Binding> bindings;
  bind_all(graph, *rules_, index, ema, bindings);
  std::map<std::string, Value> taps;
  graph.output("y", net.apply(bindings[index], x, Mode::eval, &taps));
  for (const auto& [name, value] : taps) graph.output(name, value);
  return graph;
}

const std::vector<Network>& Game::networks() const {
  return rules_->networks;
}
const Network& Game::network(std::string_view name) const {
  return rules_->networks[rules_->network(name, "game")];
}

std::vector<PlayerInfo> Game::players() const {
  std::vector<PlayerInfo> result;
  for (const gan::Player& player : rules_->players) {
    PlayerInfo info{player.name, {}, std::string(player.optimizer.name()), 0, 0, player.ema.has_value()};
    const int64_t copies = info.ema ? 2 : 1;
    int64_t floats = player.layout.size() * (copies + static_cast<int64_t>(player.optimizer.slots().size()));
    for (const size_t n : player.networks) {
      const Network& net = rules_->networks[n];
      info.networks.push_back(net.name());
      info.parameters += net.parameter_count();
      for (const Parameter& buffer : net.buffers()) floats += buffer.shape.numel() * copies;
    }
    info.state_bytes = floats * static_cast<int64_t>(sizeof(float));
    result.push_back(std::move(info));
  }
  return result;
}

std::vector<std::string> Game::move_names() const {
  std::vector<std::string> names;
  for (const auto& move : rules_->moves) names.push_back(move.name);
  return names;
}

std::string Game::generator() const {
  return rules_->generator ? rules_->networks[*rules_->generator].name() : "";
}
int64_t Game::latent_size() const {
  return rules_->generator ? rules_->networks[*rules_->generator].input().numel() : 0;
}

std::vector<LayerRow> Game::layer_table() const {
  std::vector<LayerRow> rows;
  for (const Network& network : rules_->networks)
    for (LayerRow& row : network.layer_table()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace agon
