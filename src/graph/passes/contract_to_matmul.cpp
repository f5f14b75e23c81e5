#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace agon {
namespace {

/// True if the window covers all of image `x` once: kernel `w` equal to the image, no padding, no groups.
bool covers(const Window& window, const Shape& x, const Shape& w) {
  if (window.groups != 1) return false;
  for (int i = 0; i < window.rank; ++i) {
    const auto a = static_cast<size_t>(i);
    if (window.pad_lo[a] != 0 || window.pad_hi[a] != 0 || x[i + 1] != w[i + 1]) return false;
    if (window.dilation[a] != 1 && w[i + 1] != 1) return false;
  }
  return true;
}

Shape matrix(const Shape& shape) {
  return {shape[0], shape.numel() / shape[0]};
}

}  // namespace

Graph contract_to_matmul(const Graph& graph) {
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    const bool contraction =
        node.op == Op::conv || node.op == Op::conv_input_grad || node.op == Op::conv_weight_grad;
    if (!contraction) {
      rewriter.copy(node);
      continue;
    }
    const Shape& a = graph.value(node.inputs[0]).shape;
    const Shape& b = graph.value(node.inputs[1]).shape;
    const Shape& result = graph.value(node.outputs[0]).shape;
    const Shape& x = node.op == Op::conv_input_grad ? result : a;
    const Shape& w = node.op == Op::conv_weight_grad ? result : b;
    if (!covers(node.get<Window>(), x, w) || a[0] == 0) {
      rewriter.copy(node);
      continue;
    }
    const Graph::Scope scope(rewriter.to(), node.name);
    Value left = reshape(rewriter.value(node.inputs[0]), matrix(a));
    Value right = reshape(rewriter.value(node.inputs[1]), matrix(b));
    Value product = node.op == Op::conv              ? matmul(left, right, false, true)
                    : node.op == Op::conv_input_grad ? matmul(left, right)
                                                     : matmul(right, left, true, false);
    rewriter.bind(node.outputs[0], reshape(product, result).id());
  }
  return rewriter.finish();
}

}  // namespace agon
