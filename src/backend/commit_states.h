#pragma once
#include <vector>

#include "agon/graph.h"

#include "backend/ref.h"
#include "graph/alias.h"

namespace agon {

/// Copies the final values of states that a lowering could not write in place: `place(value)` tells where a
/// value lies, `hold(value)` gives room that lasts to the end, `copy(from, to, value)` appends a step. Two
/// rounds, through held copies where the source is itself a state's memory, so that states may trade places.
template <class Place, class Hold, class Copy>
void commit_states(const Graph& graph, Place place, Hold hold, Copy copy) {
  struct Late {
    Ref from, to;
    int value;
  };
  const std::vector<int> roots = state_roots(graph);
  std::vector<Late> late;
  for (const auto& [state, value] : graph.assignments()) {
    const Ref to = place(state);
    Ref from = place(value);
    if (from == to) continue;
    if (roots[static_cast<size_t>(value)] >= 0) {
      const Ref held = hold(value);
      copy(from, held, value);
      from = held;
    }
    late.push_back({from, to, value});
  }
  for (const auto& [from, to, value] : late) copy(from, to, value);
}

}  // namespace agon
