#include <map>
#include <set>

#include "agon/error.h"

#include "gan/penalty.h"
#include "gan/rules.h"

namespace agon::gan {
namespace {

/// Appends the moves of one iteration to a graph.
class Iteration {
 public:
  Iteration(const Rules& rules, int64_t batch, const IterationOptions& options)
      : rules_(rules), batch_(batch), options_(options), plan_(plan(rules, options.variant)) {}
  Graph build();

 private:
  struct PlayerState {
    Value params_state, params;
    std::vector<Value> slot_states, slots;
    std::vector<Value> views;  ///< of params, in the layout's order
    Value lr, gradient_square, weight_square;
    bool updated = false;
  };
  enum class Source { real, fake, generated };  ///< fake: generated, with no way back to the generator

  void declare_noise();
  void declare_players();
  Value image_batch(Source source, size_t generator);
  Value scores(size_t discriminator, Source source, size_t generator);

  void execute(const Execution& e, size_t number);
  Value value_of(const Term& term, size_t number);
  Value adversarial(const Term& term);
  Value cross_entropy(const Term& term);
  void update(const Execution& e, Value loss);
  void detail(const std::string& name, Value value);

  void average(size_t player);
  void finish();

  const Rules& rules_;
  int64_t batch_;
  IterationOptions options_;
  std::vector<Execution> plan_;
  Graph graph_;

  std::vector<PlayerState> players_;
  std::vector<Binding> bindings_, initial_bindings_;  ///< by network
  std::map<size_t, Value> latents_, epsilons_;        ///< by number of the execution
  std::map<size_t, Value> generated_;                 ///< by generator: the last batch
  std::map<std::string, std::vector<Value>> losses_;  ///< by move
  std::map<std::string, Value> watched_;              ///< scores and accuracies, by output name
  std::set<std::string> details_;

  // Of the execution at hand.
  Value real_, label_;
  std::map<std::pair<size_t, Source>, Value> scores_;
  const Move* move_ = nullptr;
  std::string name_;  ///< of its loss
};

/// All random leaves come first, on streams by execution, so that those that layers draw (dropout) follow
/// behind.
void Iteration::declare_noise() {
  for (size_t i = 0; i < plan_.size(); ++i) {
    const Execution& e = plan_[i];
    const int64_t stream = 4 * static_cast<int64_t>(i);
    if (e.noise) {
      const Shape shape{batch_, rules_.networks[e.generator].input().numel()};
      if (options_.feed_noise)
        latents_[i] = graph_.input(fmt::format("z.{}", i), shape);
      else if (rules_.uniform_noise[e.generator])
        latents_[i] = graph_.random_uniform(shape, stream + 1) * 2 - 1;
      else
        latents_[i] = graph_.random_normal(shape, stream + 1);
    }
    if (e.epsilon)
      epsilons_[i] = options_.feed_noise ? graph_.input(fmt::format("epsilon.{}", i), {batch_})
                                         : graph_.random_uniform({batch_}, stream + 2);
  }
}

void Iteration::declare_players() {
  bindings_.resize(rules_.networks.size());
  for (size_t i = 0; i < rules_.players.size(); ++i) {
    const Player& player = rules_.players[i];
    const Shape flat{player.layout.size()};
    PlayerState state;
    state.params = state.params_state = graph_.state(flat_state(player, "params"), flat);
    for (const std::string& slot : player.optimizer.slots())
      state.slot_states.push_back(graph_.state(flat_state(player, slot), flat));
    state.slots = state.slot_states;
    state.views = bind_parameters(rules_, i, state.params, bindings_);
    players_.push_back(std::move(state));
  }
  for (size_t n = 0; n < bindings_.size(); ++n) bind_buffers(graph_, rules_.networks[n], false, bindings_[n]);
  initial_bindings_ = bindings_;
}

Value Iteration::image_batch(Source source, size_t generator) {
  if (source == Source::real) return real_;
  const Value images = generated_.at(generator);
  return source == Source::fake ? stop_gradient(images) : images;
}

/// The discriminator on a batch, once per execution.
Value Iteration::scores(size_t discriminator, Source source, size_t generator) {
  Value& known = scores_[{discriminator, source}];
  if (!known.valid()) {
    static constexpr std::string_view names[] = {"real", "fake", "generated"};
    const Graph::Scope scope(graph_, names[static_cast<size_t>(source)]);
    known = rules_.networks[discriminator].apply(bindings_[discriminator], image_batch(source, generator),
                                                 Mode::train);
  }
  return known;
}

Value Iteration::adversarial(const Term& term) {
  const Objective& objective = term.objective;
  if (term.generator_side)
    return objective.generator_loss(scores(term.discriminator, Source::generated, term.generator),
                                    term.weight);
  const Value real = scores(term.discriminator, Source::real, 0);
  const Value fake = scores(term.discriminator, Source::fake, term.generator);
  const auto watch = [&](Value s, std::string_view which) {
    const std::string& network = rules_.networks[term.discriminator].name();
    watched_[fmt::format("score_{}_{}", network, which)] = mean(objective.is_logistic() ? sigmoid(s) : s);
  };
  watch(real, "real");
  watch(fake, "fake");
  const Value real_term = objective.real_term(real, term.weight),
              fake_term = objective.fake_term(fake, term.weight);
  detail(name_ + ".real", real_term);
  detail(name_ + ".fake", fake_term);
  return real_term + fake_term;
}

Value Iteration::cross_entropy(const Term& term) {
  const Value logits = rules_.networks[term.network].apply(bindings_[term.network], real_, Mode::train);
  const int64_t classes = rules_.networks[term.network].output().numel();
  const Value flat = reshape(logits, {batch_, classes});
  const Value target = one_hot(label_, classes);
  const Value chosen = reduce_sum(flat * target, {1});
  watched_[fmt::format("accuracy_{}", move_->name)] = mean(greater_equal(chosen, reduce_max(flat, {1})));
  return softmax_cross_entropy(flat, label_, term.weight);
}

Value Iteration::value_of(const Term& term, size_t number) {
  switch (term.kind) {
    case TermKind::adversarial:
      return adversarial(term);
    case TermKind::softmax_cross_entropy:
      return cross_entropy(term);
    case TermKind::r1: {
      const Value penalty =
          r1_penalty(scores(term.discriminator, Source::real, 0), real_, term.coefficient * term.weight);
      detail(name_ + ".r1", penalty);
      return penalty;
    }
    case TermKind::gradient_penalty: {
      const Scorer scorer = [&](Value x) {
        const Graph::Scope scope(graph_, "penalty");
        return rules_.networks[term.discriminator].apply(bindings_[term.discriminator], x, Mode::train);
      };
      const Value fake = image_batch(Source::fake, term.generator);
      const Value penalty =
          gradient_penalty(scorer, real_, fake, epsilons_.at(number), term.coefficient * term.weight);
      detail(name_ + ".penalty", penalty);
      return penalty;
    }
  }
  fail(ErrorKind::internal, "iteration: no such loss");
}

void Iteration::execute(const Execution& e, size_t number) {
  const Move& move = rules_.moves[e.move];
  const Graph::Scope scope(graph_, move.repeat == 1 ? move.name : fmt::format("{}.{}", move.name, e.repeat));
  move_ = &move;
  name_ = fmt::format("loss_{}.{}", move.name, e.repeat);
  scores_.clear();
  if (e.draw >= 0) {
    int draws = 0;
    for (const Execution& other : plan_) draws += other.draw >= 0 ? 1 : 0;
    real_ = graph_.input(drawn_name("real", e.draw, draws),
                         {batch_, rules_.image[0], rules_.image[1], rules_.image[2]});
    if (e.label) label_ = graph_.input(drawn_name("label", e.draw, draws), {batch_}, DType::i32);
  }
  if (e.noise)
    generated_[e.generator] =
        rules_.networks[e.generator].apply(bindings_[e.generator], latents_.at(number), Mode::train);

  Value total;
  for (const Term& term : move.terms) {
    const Value value = value_of(term, number);
    total = total.valid() ? total + value : value;
  }
  detail(name_, total);
  losses_[move.name].push_back(total);
  update(e, total);
}

void Iteration::update(const Execution& e, Value loss) {
  const Move& move = rules_.moves[e.move];
  const Player& player = rules_.players[move.player];
  PlayerState& state = players_[move.player];
  const Value gradient = player.layout.pack(grad(loss, state.views));
  detail(fmt::format("grad_{}.{}", move.name, e.repeat), gradient);

  const Graph::Scope scope(graph_, "update");
  if (!state.lr.valid()) state.lr = graph_.scalar(player.name + ".lr");
  std::vector<Value> corrections;
  if (player.optimizer.kind == Optimizer::Kind::adam)
    for (const int which : {1, 2})
      corrections.push_back(graph_.scalar(correction_name(player, e.update, which)));
  const auto updated = player.optimizer.apply(state.params, gradient, state.slots, state.lr, corrections);
  state.params = player.clip ? clamp(updated.params, -*player.clip, *player.clip) : updated.params;
  state.slots = updated.slots;
  state.gradient_square = updated.gradient_square;
  state.weight_square = updated.weight_square;
  state.updated = true;
  state.views = bind_parameters(rules_, move.player, state.params, bindings_);
}

void Iteration::detail(const std::string& name, Value value) {
  if (!options_.details) return;
  std::string unique = name;
  for (int i = 1; details_.contains(unique); ++i) unique = fmt::format("{}.{}", name, i);
  details_.insert(unique);
  graph_.output(unique, value);
}

/// Moves a player's averages one step towards its values.
void Iteration::average(size_t index) {
  const Player& player = rules_.players[index];
  const Graph::Scope scope(graph_, player.name + ".ema");
  const Value weight = graph_.scalar(player.name + ".ema_weight");
  const auto approach = [&](const std::string& state_name, Value target, bool copy) {
    const Value old = graph_.state(state_name, target.shape());
    graph_.assign(old, copy ? target : old + (target - old) * weight);
  };
  approach(flat_state(player, "ema"), players_[index].params, false);
  for (const size_t n : player.networks)
    for (const Parameter& buffer : rules_.networks[n].buffers())
      approach(buffer_state(rules_.networks[n], buffer.name, true), bindings_[n].buffers.at(buffer.name),
               !player.ema->average_buffers || buffer.init == "unit");
}

void Iteration::finish() {
  for (const auto& [name, values] : losses_) {
    Value total = values.front();
    for (size_t i = 1; i < values.size(); ++i) total = total + values[i];
    graph_.output("loss_" + name, values.size() == 1 ? total : total / static_cast<double>(values.size()));
  }
  for (const auto& [name, value] : watched_) graph_.output(name, value);
  for (size_t i = 0; i < players_.size(); ++i) {
    PlayerState& state = players_[i];
    if (!state.updated) continue;
    graph_.output("grad_norm_" + rules_.players[i].name, sqrt(state.gradient_square));
    graph_.output("weight_norm_" + rules_.players[i].name, sqrt(state.weight_square));
    if (rules_.players[i].ema) average(i);
    graph_.assign(state.params_state, state.params);
    for (size_t s = 0; s < state.slots.size(); ++s) graph_.assign(state.slot_states[s], state.slots[s]);
  }
  for (size_t n = 0; n < bindings_.size(); ++n)
    for (const auto& [name, value] : bindings_[n].buffers)
      if (const Value initial = initial_bindings_[n].buffers.at(name); !(initial == value))
        graph_.assign(initial, value);
}

Graph Iteration::build() {
  declare_noise();
  declare_players();
  for (size_t i = 0; i < plan_.size(); ++i) execute(plan_[i], i);
  finish();
  return std::move(graph_);
}

}  // namespace

Graph build_iteration(const Rules& rules, int64_t batch, const IterationOptions& options) {
  check(batch > 0, ErrorKind::usage, "game: the batch size must be positive, not {}", batch);
  check(options.variant >= 0 && options.variant < static_cast<int>(rules.variants.size()), ErrorKind::usage,
        "game: there is no variant {}", options.variant);
  return Iteration(rules, batch, options).build();
}

}  // namespace agon::gan
