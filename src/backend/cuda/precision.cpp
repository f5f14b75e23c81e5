#include "backend/cuda/precision.h"

#include <algorithm>

namespace agon::device {
namespace {

bool is_pointwise(const Node& node) {
  return node.op == Op::elementwise || is_elementwise(node.op);
}

/// A sum over all axes but the last.
bool sums_channels(const Graph& graph, const Node& node) {
  std::vector<int> axes = node.get<AxesAttr>().axes;
  std::ranges::sort(axes);
  const int rank = graph.value(node.inputs[0]).shape.rank();
  for (int i = 0; i + 1 < rank; ++i)
    if (!std::ranges::binary_search(axes, i)) return false;
  return rank > 1 && !std::ranges::binary_search(axes, rank - 1);
}

}  // namespace

bool CudaPrecision::reads_bf16(const Graph& graph, const Node& node, size_t input) const {
  switch (node.op) {
    case Op::matmul:
    case Op::conv:
    case Op::conv_input_grad:
    case Op::conv_weight_grad:
      return input < 2;
    case Op::batch_norm_train:
      return input == 0;
    case Op::batch_norm_grad:
      return input == 0 || input == 4 || input == 5;
    case Op::reduce_sum:
      return sums_channels(graph, node);
    default:
      return is_pointwise(node);
  }
}

bool CudaPrecision::writes_bf16(const Graph&, const Node& node, size_t output) const {
  switch (node.op) {
    case Op::matmul:
    case Op::conv:
    case Op::conv_input_grad:
    case Op::batch_norm_train:
    case Op::batch_norm_grad:
      return output == 0;
    default:
      return is_pointwise(node);
  }
}

}  // namespace agon::device
