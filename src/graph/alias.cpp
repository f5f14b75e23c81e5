#include "graph/alias.h"

namespace agon {

std::vector<std::pair<int, int>> in_place(const Node& node) {
  switch (node.op) {
    case Op::adam:
      return {{0, 0}, {1, 2}, {2, 3}};
    case Op::rmsprop:
      return {{0, 0}, {1, 2}, {2, 3}};
    case Op::sgd:
      return {{0, 0}, {1, 2}};
    case Op::batch_norm_train:
      return {{3, 3}, {4, 4}};
    default:
      return {};
  }
}

namespace {

/// The first axis with an extent above 1; contiguous slices and concatenations run along it.
int outermost(const Shape& shape) {
  int axis = 0;
  while (axis + 1 < shape.rank() && shape[axis] == 1) ++axis;
  return axis;
}

}  // namespace

bool is_view(const Graph& graph, const Node& node) {
  if (node.op == Op::reshape || node.op == Op::stop_gradient) return true;
  if (node.op != Op::slice) return false;
  const Shape& from = graph.value(node.inputs[0]).shape;
  const auto& [lo, hi] = node.get<RangeAttr>();
  for (int i = outermost(from) + 1; i < from.rank(); ++i)
    if (lo[i] != 0 || hi[i] != from[i]) return false;
  return true;
}

int64_t view_offset(const Graph& graph, const Node& node) {
  if (node.op != Op::slice) return 0;
  const Shape& from = graph.value(node.inputs[0]).shape;
  int64_t inner = 1;
  const int axis = outermost(from);
  for (int i = axis + 1; i < from.rank(); ++i) inner *= from[i];
  return from.rank() == 0 ? 0 : node.get<RangeAttr>().lo[axis] * inner;
}

std::vector<int> state_roots(const Graph& graph) {
  std::vector<int> root(static_cast<size_t>(graph.value_count()), -1);
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::state) root[static_cast<size_t>(node.outputs[0])] = node.outputs[0];
    if (is_view(graph, node))
      root[static_cast<size_t>(node.outputs[0])] = root[static_cast<size_t>(node.inputs[0])];
    for (const auto& [output, input] : in_place(node))
      root[static_cast<size_t>(node.outputs[static_cast<size_t>(output)])] =
          root[static_cast<size_t>(node.inputs[static_cast<size_t>(input)])];
  }
  return root;
}

}  // namespace agon
