#include "backend/cuda/fuse/accumulation.h"

#include <algorithm>

#include "graph/alias.h"

namespace agon::device {
namespace {

bool is_contraction(Op op) {
  return op == Op::conv || op == Op::conv_input_grad || op == Op::conv_weight_grad || op == Op::matmul;
}

/// True for a node that adds up its operands, each once, and does nothing else.
bool is_sum(const Graph& graph, const Node& node) {
  std::vector<int> seen = node.inputs;
  std::ranges::sort(seen);
  if (node.outputs.size() != 1 || std::ranges::adjacent_find(seen) != seen.end()) return false;
  const Shape& shape = graph.value(node.outputs[0]).shape;
  if (!std::ranges::all_of(seen, [&](int id) {
        return graph.value(id).shape == shape && graph.value(id).dtype == DType::f32;
      }))
    return false;
  if (graph.value(node.outputs[0]).dtype != DType::f32) return false;
  if (node.op == Op::add) return true;
  if (node.op != Op::elementwise) return false;
  const auto& code = node.get<ElementwiseProgram>().code;
  return code.size() + 1 == seen.size() &&
         std::ranges::all_of(code, [](const auto& instruction) { return instruction.op == Op::add; });
}

/// The value that `id` is, through reshapes that nobody else reads; -1 if another node reads it too.
int source_of(const Graph& graph, const Uses& uses, int id) {
  while (uses.of(id).size() == 1) {
    const Node& producer = graph.producer(id);
    if (producer.op != Op::reshape) return id;
    id = producer.inputs[0];
  }
  return -1;
}

}  // namespace

Accumulation::Accumulation(const Graph& graph, const Uses& uses, const Placement& placement) {
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& node = graph.node(i);
    const int total = node.outputs.empty() ? -1 : node.outputs[0];
    if (node.inputs.size() < 2 || !is_sum(graph, node) || placement.state_home(total) >= 0) continue;
    std::vector<int> addends;
    for (int id : node.inputs) addends.push_back(source_of(graph, uses, id));
    if (std::ranges::find(addends, -1) != addends.end()) continue;
    std::ranges::sort(addends, {}, [&](int id) { return graph.value(id).producer; });
    const Node& first = graph.producer(addends[0]);
    const bool writable = !first.inputs.empty() && !is_view(graph, first) && in_place(first).empty() &&
                          first.op != Op::concat && !placement.is_placed(addends[0]) && !makes(addends[0]);
    const bool adding = std::all_of(addends.begin() + 1, addends.end(), [&](int id) {
      return is_contraction(graph.producer(id).op) && graph.producer(id).fusion == Fusion{} &&
             !placement.is_placed(id);
    });
    if (!writable || !adding) continue;
    for (int id : addends) shares_[id] = {total, id != addends[0]};
    totals_[total] = static_cast<int>(addends.size());
    notes_.emplace_back(i, "fused into the contractions that make its operands");
  }
}

}  // namespace agon::device
