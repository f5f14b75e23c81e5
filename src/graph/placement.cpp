#include "graph/placement.h"

#include "graph/alias.h"

namespace agon {

Placement::Placement(const Graph& graph) : views_(static_cast<size_t>(graph.value_count())) {
  for (const Node& node : graph.nodes())
    if (is_view(graph, node))
      views_[static_cast<size_t>(node.outputs[0])] = {node.inputs[0], view_offset(graph, node)};
  find_parts(graph);
  find_states(graph);
}

bool Placement::movable(const Graph& graph, int value) const {
  const Node& producer = graph.producer(value);
  return !producer.inputs.empty() && !is_view(graph, producer) && in_place(producer).empty() &&
         producer.op != Op::concat && !is_placed(value);
}

/// Through reshapes of the whole.
int Placement::source_of(const Graph& graph, int value) const {
  while (view_of(value).value >= 0 && graph.producer(value).op != Op::slice) value = view_of(value).value;
  return value;
}

void Placement::find_parts(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op != Op::concat) continue;
    const Shape& whole = graph.value(node.outputs[0]).shape;
    const int axis = node.get<AxesAttr>().axes[0];
    int64_t outer = 1, at = 0;
    for (int i = 0; i < axis; ++i) outer *= whole[i];
    if (outer != 1) continue;
    for (int part : node.inputs) {
      if (const int source = source_of(graph, part); movable(graph, source))
        homes_[source] = {node.outputs[0], at};
      at += graph.value(part).shape.numel();
    }
  }
}

void Placement::find_states(const Graph& graph) {
  const auto roots = state_roots(graph);
  for (const auto& [state, value] : graph.assignments()) {
    const int source = source_of(graph, value);
    if (!movable(graph, source) || roots[static_cast<size_t>(source)] >= 0) continue;
    const int made = graph.value(source).producer;
    const Node& producer = graph.node(made);
    const bool pointwise = is_elementwise(producer.op) || producer.op == Op::elementwise;
    bool free = true;
    for (int i = made; i < static_cast<int>(graph.nodes().size()) && free; ++i)
      for (int id : graph.node(i).inputs)
        if (roots[static_cast<size_t>(id)] == state)
          free = free && i == made && pointwise && id == state &&
                 graph.value(id).shape == graph.value(source).shape;
    for (const Node& node : graph.nodes())
      for (const auto& [output, input] : in_place(node))
        free = free && roots[static_cast<size_t>(node.outputs[static_cast<size_t>(output)])] != state;
    if (free) state_homes_[source] = state;
  }
}

}  // namespace agon
