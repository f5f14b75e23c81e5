#include "backend/cuda/fuse/summed.h"

#include <algorithm>

namespace agon::device {
namespace {

bool is_pointwise(const Graph& graph, const Node& node) {
  return (node.op == Op::elementwise || is_elementwise(node.op)) &&
         graph.value(node.outputs[0]).dtype == DType::f32;
}

/// The factor if `node` is a value times a constant, of one element; 0 if it is anything else.
double factor_of(const Graph& graph, const Node& node, int value) {
  const ValueInfo& product = graph.value(node.outputs[0]);
  if (node.op != Op::mul || product.shape.numel() != 1 || product.dtype != DType::f32) return 0;
  const int other = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
  const Node& constant = graph.producer(other);
  return constant.op == Op::constant ? constant.get<FillAttr>().value : 0;
}

/// The node that alone reads `id`, through reshapes; or nullptr. `id` becomes what it reads.
const Node* sole_reader(const Graph& graph, const Uses& uses, int& id) {
  while (true) {
    const int reader = uses.sole(id);
    if (reader < 0 || reader >= static_cast<int>(graph.nodes().size())) return nullptr;
    const Node& node = graph.node(reader);
    if (node.op != Op::reshape) return &node;
    id = node.outputs[0];
  }
}

}  // namespace

SummedOutputs::SummedOutputs(const Graph& graph, const Uses& uses, const Placement& placement,
                             const SquaredSums& squares) {
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& node = graph.node(i);
    if (node.inputs.empty() || !is_pointwise(graph, node) || squares.root_of(node.outputs[0]) >= 0) continue;
    for (int made : node.outputs) {
      int id = made;
      const Node* sum = sole_reader(graph, uses, id);
      if (sum == nullptr || sum->op != Op::reduce_sum || graph.value(sum->outputs[0]).shape.numel() != 1 ||
          graph.value(made).shape.numel() < 2 || placement.is_placed(made))
        continue;
      Sum result{sum->outputs[0], 1};
      skipped_.push_back(result.value);
      int next = result.value;
      if (const Node* scaled = sole_reader(graph, uses, next))
        if (const double factor = factor_of(graph, *scaled, next); factor != 0) {
          result = {scaled->outputs[0], factor};
          skipped_.push_back(result.value);
        }
      sums_[made] = result;
      notes_.emplace_back(i, "fused the sum over its result");
    }
  }
}

bool SummedOutputs::makes(int value) const {
  return std::ranges::find(skipped_, value) != skipped_.end();
}

}  // namespace agon::device
