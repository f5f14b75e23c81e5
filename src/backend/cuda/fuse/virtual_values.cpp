#include "backend/cuda/fuse/virtual_values.h"

#include <fmt/format.h>

#include "backend/cuda/prologue.h"
#include "cuda/kernels/contraction.h"
#include "graph/alias.h"

namespace agon::device {

const Node* norm_of(const Graph& graph, const Node& grad) {
  const Node& made = graph.producer(grad.inputs[2]);
  const bool own = made.op == Op::batch_norm_train && made.outputs[1] == grad.inputs[2] &&
                   made.outputs[2] == grad.inputs[3] && made.inputs[0] == grad.inputs[0] &&
                   made.inputs[1] == grad.inputs[1];
  return own ? &made : nullptr;
}

bool recomputes_activation(const Graph& graph, const Node& grad) {
  if (grad.fusion.grad.kind == ActivationKind::identity) return true;
  const Node* norm = norm_of(graph, grad);
  return norm != nullptr && norm->fusion.epilogue == grad.fusion.grad && norm->outputs[0] == grad.inputs[5];
}

VirtualValues::VirtualValues(const Graph& graph, const Uses& uses) {
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& node = graph.node(i);
    std::string_view what;
    if (node.op == Op::batch_norm_train)
      what = "its result";
    else if (node.op == Op::batch_norm_grad && norm_of(graph, node) != nullptr &&
             recomputes_activation(graph, node))
      what = "dx";
    else if (node.op == Op::activation_grad && node.fusion == Fusion{})
      what = "its result";
    else
      continue;
    const int value = node.outputs[0];
    // Operands that broadcast would need strides of their own.
    if (node.op == Op::activation_grad &&
        !(graph.value(node.inputs[0]).shape == graph.value(node.inputs[1]).shape))
      continue;
    if (uses.of(value).empty()) continue;
    const Activation activation = node.op == Op::batch_norm_train  ? node.fusion.epilogue
                                  : node.op == Op::batch_norm_grad ? node.fusion.grad
                                                                   : node.get<Activation>();
    if (!cuda::suits_prologue(to_kernel(activation))) {
      notes_.emplace_back(i, fmt::format("kept {} in memory: no prologue has its activation", what));
      continue;
    }
    // What is read in place of the value must be stored as the value would be.
    const auto as_stored = [&](int id) { return graph.value(id).dtype == graph.value(value).dtype; };
    const bool norm_grad = node.op == Op::batch_norm_grad;
    if (!as_stored(node.inputs[0]) || (norm_grad && !as_stored(node.inputs[4])) ||
        (node.op == Op::activation_grad && !as_stored(node.inputs[1])))
      continue;
    const Way way{static_cast<int>(graph.value(value).shape[-1]), node.op != Op::batch_norm_train};
    const auto reason = against(graph, uses, value, way);
    if (reason.empty()) values_.insert(value);
    if (reason.empty() || node.op != Op::activation_grad)
      notes_.emplace_back(i, reason.empty() ? fmt::format("fused {} into its readers", what)
                                            : fmt::format("kept {} in memory: {}", what, reason));
  }
}

std::string VirtualValues::against(const Graph& graph, const Uses& uses, int value, Way way) const {
  for (int reader : uses.of(value)) {
    if (reader >= static_cast<int>(graph.nodes().size())) return "it outlives the iteration";
    if (auto reason = against_reader(graph, uses, graph.node(reader), value, way); !reason.empty())
      return reason;
  }
  return {};
}

std::string VirtualValues::against_reader(const Graph& graph, const Uses& uses, const Node& reader, int value,
                                          Way way) const {
  const std::string name = fmt::format("{} {} reads it", name_of(reader.op), reader.name);
  // A channel is had from the position along the last axis.
  if (graph.value(value).shape.rank() == 0 || graph.value(value).shape[-1] % way.channels != 0) return name;
  switch (reader.op) {
    case Op::conv:
    case Op::conv_input_grad:
      return value == reader.inputs[0] && value != reader.inputs[1] ? "" : name;
    case Op::conv_weight_grad:
      return value == reader.inputs[0] && way.backward ? name : "";
    case Op::matmul: {
      if (value == reader.inputs[0]) return value != reader.inputs[1] ? "" : name;
      const auto& attr = reader.get<MatmulAttr>();
      return attr.transpose_a && !attr.transpose_b && !way.backward ? "" : name;
    }
    case Op::batch_norm_grad: {
      const bool sign_only = reader.inputs.size() == 6 && reader.inputs[5] == value;
      for (size_t i = 0; i < 5; ++i)
        if (reader.inputs[i] == value) return name;
      return sign_only && recomputes_activation(graph, reader) ? "" : name;
    }
    case Op::reshape:
      return against(graph, uses, reader.outputs[0], way);
    default:
      return name;
  }
}

}  // namespace agon::device
