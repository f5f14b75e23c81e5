#include "gan/rules.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "agon/error.h"

#include "core/nearest.h"
#include "gan/table.h"
#include "nn/initialise.h"

namespace agon::gan {
namespace {

const ConfigNode::Table& table_of(const Config& config, std::string_view key) {
  const ConfigNode* node = config.find(key);
  check(node && !std::get<ConfigNode::Table>(node->value).empty(), ErrorKind::usage,
        "config: a game needs the table '{}'", key);
  return std::get<ConfigNode::Table>(node->value);
}

template <class T>
size_t index_of(const std::vector<T>& all, std::string_view name, std::string_view what,
                std::string_view where, auto name_of_item) {
  std::vector<std::string> known;
  for (size_t i = 0; i < all.size(); ++i) {
    known.push_back(name_of_item(all[i]));
    if (known.back() == name) return i;
  }
  fail(ErrorKind::usage, "{}: there is no {} '{}'{}", where, what, name, suggestion(name, known));
}

Player parse_player(const Rules& rules, const std::string& name, const ConfigNode& node) {
  Player player;
  player.name = name;
  if (const ConfigNode* list = node.find("networks")) {
    for (const ConfigNode& item : std::get<ConfigNode::Array>(list->value))
      player.networks.push_back(rules.network(std::get<std::string>(item.value), item.where));
  } else {
    player.networks.push_back(rules.network(name, node.where));
  }
  check(!player.networks.empty(), ErrorKind::usage, "{}: player '{}' has no networks", node.where, name);
  for (const size_t n : player.networks) player.layout.add(rules.networks[n]);
  check(player.layout.size() > 0, ErrorKind::usage, "{}: the networks of player '{}' have no parameters",
        node.where, name);
  player.optimizer = parse_optimizer(node.find("optimizer"));
  player.schedule = parse_schedule(node.find("schedule"));
  player.ema = parse_ema(node.find("ema"));
  if (node.find("clip")) {
    player.clip = number_in(&node, "clip", 0);
    check(*player.clip > 0, ErrorKind::usage, "{}: 'clip' must be positive, not {}", where_in(&node, "clip"),
          *player.clip);
  }
  return player;
}

void check_shapes(const Rules& rules, const Term& term) {
  const auto takes_images = [&](const Network& network) {
    check(network.input() == rules.image, ErrorKind::usage, "{}: network '{}' takes {}, the data are {}",
          term.where, network.name(), network.input().str(), rules.image.str());
  };
  if (term.kind == TermKind::softmax_cross_entropy) return takes_images(rules.networks[term.network]);
  takes_images(rules.networks[term.discriminator]);
  if (!term.needs_fake()) return;
  const Network& generator = rules.networks[term.generator];
  check(generator.output().numel() == rules.image.numel() && generator.output() == rules.image,
        ErrorKind::usage, "{}: network '{}' gives {}, the data are {}", term.where, generator.name(),
        generator.output().str(), rules.image.str());
}

Term parse_term(const Rules& rules, const ConfigNode& node, const Player& player) {
  static const std::vector<std::string> types = {"adversarial", "gradient_penalty", "r1",
                                                 "softmax_cross_entropy"};
  static const std::vector<std::string> keys[] = {
      {"objective", "side", "discriminator", "generator", "real_label", "fake_label"},
      {"discriminator", "generator", "lambda"},
      {"discriminator", "gamma"},
      {"network"}};
  check(node.find("type") != nullptr, ErrorKind::usage, "{}: a loss needs 'type'", node.where);
  Term term;
  term.where = node.where;
  term.kind = static_cast<TermKind>(choice_in(&node, "type", types));
  const auto& own = keys[static_cast<size_t>(term.kind)];
  for (const auto& [key, child] : std::get<ConfigNode::Table>(node.value))
    check(key == "type" || key == "weight" || std::ranges::find(own, key) != own.end(), ErrorKind::usage,
          "{}: a loss of type '{}' takes no '{}'{}", child.where, types[static_cast<size_t>(term.kind)], key,
          suggestion(key, own));
  term.weight = number_in(&node, "weight", 1);
  const auto network = [&](std::string_view key, std::string_view fallback) {
    return rules.network(string_in(&node, key, fallback), where_in(&node, key));
  };
  if (term.kind == TermKind::softmax_cross_entropy) {
    term.network = network("network", rules.networks[player.networks[0]].name());
  } else {
    term.discriminator = network("discriminator", "D");
    if (term.needs_fake()) term.generator = network("generator", "G");
  }
  if (term.kind == TermKind::gradient_penalty) term.coefficient = number_in(&node, "lambda", 10);
  if (term.kind == TermKind::r1) term.coefficient = number_in(&node, "gamma", 10);
  if (term.kind == TermKind::adversarial) {
    term.objective.kind = parse_objective(string_in(&node, "objective", ""), where_in(&node, "objective"));
    term.objective.real_label = number_in(&node, "real_label", 1);
    term.objective.fake_label = number_in(&node, "fake_label", 0);
    check(term.objective.kind == ObjectiveKind::bce || !(node.find("real_label") || node.find("fake_label")),
          ErrorKind::usage, "{}: labels can be smoothed with the objective 'bce' only", node.where);
    static const std::vector<std::string> sides = {"discriminator", "generator"};
    term.generator_side =
        node.find("side") ? choice_in(&node, "side", sides) == 1
                          : std::ranges::find(player.networks, term.discriminator) == player.networks.end();
  }
  check_shapes(rules, term);
  return term;
}

Move parse_move(const Rules& rules, const ConfigNode& node) {
  static const std::vector<std::string> ways = {"reuse", "fresh"};
  Move move;
  const std::string player = string_in(&node, "player", "");
  check(!player.empty(), ErrorKind::usage, "{}: a move needs 'player'", node.where);
  move.player = index_of(rules.players, player, "player", where_in(&node, "player"),
                         [](const Player& p) { return p.name; });
  move.name = string_in(&node, "name", player);
  move.repeat = static_cast<int>(std::min<int64_t>(integer_in(&node, "repeat", 1, 1), 1000));
  move.every = integer_in(&node, "every", 1, 1);
  if (node.find("fake")) move.reuse_fake = choice_in(&node, "fake", ways) == 0;
  const ConfigNode* losses = node.find("losses");
  check(losses && !std::get<ConfigNode::Array>(losses->value).empty(), ErrorKind::usage,
        "{}: move '{}' needs 'losses'", node.where, move.name);
  for (const ConfigNode& loss : std::get<ConfigNode::Array>(losses->value))
    move.terms.push_back(parse_term(rules, loss, rules.players[move.player]));
  return move;
}

/// Which moves are made at each step, over one period of the lazy ones.
void enumerate_variants(Rules& rules) {
  int64_t period = 1;
  bool always = false;
  for (const Move& move : rules.moves) {
    period = std::lcm(period, std::min<int64_t>(move.every, 1 << 20));
    always = always || move.every == 1;
    check(period <= 1 << 16, ErrorKind::usage, "config: the moves' 'every' have too long a common period");
  }
  check(always, ErrorKind::usage, "config: a game needs a move that is made in every iteration (every = 1)");
  std::map<std::vector<size_t>, int> known;
  for (int64_t step = 0; step < period; ++step) {
    std::vector<size_t> made;
    for (size_t i = 0; i < rules.moves.size(); ++i)
      if (step % rules.moves[i].every == 0) made.push_back(i);
    const auto [it, is_new] = known.emplace(made, static_cast<int>(rules.variants.size()));
    if (is_new) rules.variants.push_back(made);
    rules.phases.push_back(it->second);
  }
}

}  // namespace

size_t Rules::network(std::string_view name, std::string_view where) const {
  return index_of(networks, name, "network", where, [](const Network& n) { return n.name(); });
}

size_t Rules::owner(size_t network) const {
  for (size_t i = 0; i < players.size(); ++i)
    if (std::ranges::find(players[i].networks, network) != players[i].networks.end()) return i;
  fail(ErrorKind::usage, "config: network '{}' belongs to no player", networks[network].name());
}

Rules::Rules(const Config& config) {
  for (const char* key : {"data.height", "data.width", "data.channels"}) {
    image.push_back(config.integer(key));
    check(image[-1] > 0, ErrorKind::usage, "{}: '{}' must be positive", config.where(key), key);
  }
  static const std::vector<std::string> laws = {"normal", "uniform"};
  for (const auto& [name, node] : table_of(config, "networks")) {
    networks.emplace_back(config, name);
    uniform_noise.push_back(choice_in(&node, "noise", laws) == 1);
    for (const Parameter& p : networks.back().parameters())
      nn::check_initialiser(p.init, fmt::format("{}: parameter {}", node.where, p.name));
  }
  for (const auto& [name, node] : table_of(config, "players"))
    players.push_back(parse_player(*this, name, node));
  std::vector<int> owners(networks.size(), 0);
  for (const Player& player : players)
    for (const size_t n : player.networks) ++owners[n];
  for (size_t n = 0; n < networks.size(); ++n)
    check(owners[n] == 1, ErrorKind::usage, "{}: network '{}' belongs to {} players, it must be one",
          config.where(fmt::format("networks.{}", networks[n].name())), networks[n].name(), owners[n]);

  const ConfigNode* list = config.find("moves");
  check(list && !std::get<ConfigNode::Array>(list->value).empty(), ErrorKind::usage,
        "config: a game needs 'moves'");
  for (const ConfigNode& node : std::get<ConfigNode::Array>(list->value)) {
    moves.push_back(parse_move(*this, node));
    for (size_t i = 0; i + 1 < moves.size(); ++i)
      check(moves[i].name != moves.back().name, ErrorKind::usage,
            "{}: two moves are called '{}': give one a 'name'", node.where, moves[i].name);
    for (const Term& term : moves.back().terms)
      if (term.kind == TermKind::adversarial && !generator) generator = term.generator;
  }
  static const std::vector<std::string> statistics = {"running", "batch"};
  batch_statistics_in_samples = choice_in(config.find("sample"), "batch_norm", statistics) == 1;
  enumerate_variants(*this);
}

std::string buffer_state(const Network& network, std::string_view buffer, bool ema) {
  return fmt::format("{}{}.{}", ema ? "ema." : "", network.name(), buffer);
}
std::string flat_state(const Player& player, std::string_view slot) {
  return fmt::format("{}.{}", player.name, slot);
}
std::string correction_name(const Player& player, int update, int which) {
  return fmt::format("{}.{}.correction{}", player.name, update, which);
}
std::string drawn_name(std::string_view kind, int draw, int draws) {
  return draws == 1 ? std::string(kind) : fmt::format("{}.{}", kind, draw);
}

std::vector<Value> bind_parameters(const Rules& rules, size_t player, Value flat,
                                   std::vector<Binding>& bindings) {
  const auto& layout = rules.players[player].layout;
  std::vector<Value> views;
  for (size_t i = 0; i < layout.items().size(); ++i) {
    const auto& item = layout.items()[i];
    views.push_back(layout.view(flat, i));
    for (const size_t n : rules.players[player].networks)
      if (rules.networks[n].name() == item.network)
        bindings[n].parameters[item.parameter.name] = views.back();
  }
  return views;
}

void bind_buffers(Graph& graph, const Network& network, bool ema, Binding& binding) {
  for (const Parameter& buffer : network.buffers())
    binding.buffers[buffer.name] = graph.state(buffer_state(network, buffer.name, ema), buffer.shape);
}

}  // namespace agon::gan
