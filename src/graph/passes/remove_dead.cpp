#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace agon {

Graph remove_dead(const Graph& graph) {
  std::vector<char> live(static_cast<size_t>(graph.value_count()), 0);
  auto mark = [&](int id) { live[static_cast<size_t>(id)] = 1; };
  for (const auto& [state, value] : graph.assignments()) {
    mark(state);
    mark(value);
  }
  for (const auto& [name, id] : graph.outputs()) mark(id);

  std::vector<char> keep(graph.nodes().size(), 0);
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    // What the host feeds or stores stays, read or not: it is the program's interface.
    keep[i] = node.op == Op::input || node.op == Op::scalar || node.op == Op::state;
    for (int id : node.outputs) keep[i] = static_cast<char>(keep[i] | live[static_cast<size_t>(id)]);
    if (keep[i])
      for (int id : node.inputs) mark(id);
  }

  Rewriter rewriter(graph);
  for (size_t i = 0; i < graph.nodes().size(); ++i)
    if (keep[i]) rewriter.copy(graph.nodes()[i]);
  return rewriter.finish();
}

}  // namespace agon
