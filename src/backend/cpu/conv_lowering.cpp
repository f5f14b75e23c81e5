#include "backend/cpu/conv_lowering.h"

namespace agon::cpu {

Roles roles_of(const Node& node) {
  const int a = node.inputs[0], b = node.inputs[1], out = node.outputs[0];
  switch (node.op) {
    case Op::conv:
      return {a, b, out, ConvPass::forward};
    case Op::conv_input_grad:
      return {out, b, a, ConvPass::input_grad};
    default:
      return {a, out, b, ConvPass::weight_grad};
  }
}

bool is_narrow(const Graph& graph, const Node& node) {
  return graph.value(node.inputs[0]).dtype == DType::bf16;
}

Places place(Lowering& l, const Roles& roles, Layout x, Layout y, const dnnl::memory::desc* weights,
             int64_t groups) {
  const auto at = [&](int value, Layout layout, bool result) {
    return result ? l.put(value, layout) : l.get(value, layout);
  };
  Places places;
  places.x = at(roles.x, x, roles.pass == ConvPass::input_grad);
  places.y = at(roles.y, y, roles.pass == ConvPass::forward);
  places.w = weights != nullptr && roles.pass != ConvPass::weight_grad
                 ? l.get_weights(roles.w, groups, *weights)
                 : at(roles.w, Layout::plain, roles.pass == ConvPass::weight_grad);
  return places;
}

Step step_of(const Lowering& l, const Node& node, const Roles& roles, std::string detail) {
  const Shape &w = l.info(roles.w).shape, &y = l.info(roles.y).shape;
  return {std::string(name_of(node.op)),
          node.name,
          std::move(detail),
          {},
          {},
          2.0 * static_cast<double>(y.numel()) * static_cast<double>(w.numel() / w[0]),
          static_cast<double>(l.bytes_of(roles.x) + l.bytes_of(roles.w) + l.bytes_of(roles.y))};
}

}  // namespace agon::cpu
