#include "backend/cuda/fuse/squares.h"

namespace agon::device {

SquaredSums::SquaredSums(const Graph& graph, const Uses& uses) {
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& node = graph.node(i);
    if (node.op != Op::mul || node.inputs[0] != node.inputs[1]) continue;
    const int square = node.outputs[0], reader = uses.sole(square);
    if (reader < 0 || reader >= static_cast<int>(graph.nodes().size())) continue;
    if (graph.node(reader).op != Op::reduce_sum || graph.value(square).shape.numel() < 2) continue;
    roots_[square] = node.inputs[0];
    notes_.emplace_back(i, "fused into the sum of squares");
  }
}

}  // namespace agon::device
