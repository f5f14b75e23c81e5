#include <map>

#include "gan/rules.h"

namespace agon::gan {
namespace {

/// The generated images that an iteration has at hand.
struct Generated {
  int batches = 0;
  bool current = false;  ///< made by the generator as it is now
};

}  // namespace

std::vector<Execution> plan(const Rules& rules, int variant) {
  std::vector<Execution> result;
  std::map<size_t, Generated> generated;  // by generator
  std::vector<int> updates(rules.players.size(), 0);
  int draws = 0;
  for (const size_t index : rules.variants.at(static_cast<size_t>(variant))) {
    const Move& move = rules.moves[index];
    for (int repeat = 0; repeat < move.repeat; ++repeat) {
      Execution e;
      e.move = index;
      e.repeat = repeat;
      e.update = updates[move.player]++;
      bool real = false;
      for (const Term& term : move.terms) {
        real = real || term.needs_real();
        e.label = e.label || term.kind == TermKind::softmax_cross_entropy;
        e.epsilon = e.epsilon || term.kind == TermKind::gradient_penalty;
        if (!term.needs_fake()) continue;
        const Generated& have = generated[term.generator];
        const bool reuse =
            term.generator_side && repeat == 0 && have.current && move.reuse_fake.value_or(have.batches == 1);
        e.noise = e.noise || !reuse;
        e.generator = term.generator;
      }
      if (e.noise) {
        ++generated[e.generator].batches;
        generated[e.generator].current = true;
      }
      for (const size_t network : rules.players[move.player].networks) generated[network].current = false;
      if (real) e.draw = draws++;
      result.push_back(e);
    }
  }
  return result;
}

}  // namespace agon::gan
