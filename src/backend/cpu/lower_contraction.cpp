#include "backend/cpu/conv_lowering.h"

namespace agon::cpu {
namespace {

/// A value in the layout a primitive wants: as it lies, or reordered into (or later out of) scratch memory.
class Operand {
 public:
  Operand(Lowering& l, const dnnl::memory::desc& own, const dnnl::memory::desc& wanted, Ref place,
          bool result)
      : place_(place), result_(result) {
    if (own == wanted) return;
    const auto prepared =
        result ? prepare_reorder(l.engine(), wanted, own) : prepare_reorder(l.engine(), own, wanted);
    reorder_ = std::make_shared<Primitive>(prepared.primitive);
    inner_ = l.scratch(wanted.get_size());
    pad_ = l.scratch(prepared.scratch_bytes);
  }
  void* bind(const Frame& m) const {
    if (!reorder_) return m.at<void>(place_);
    reorder_->bind(DNNL_ARG_FROM, m.at<void>(result_ ? inner_ : place_));
    reorder_->bind(DNNL_ARG_TO, m.at<void>(result_ ? place_ : inner_));
    reorder_->bind(DNNL_ARG_SCRATCHPAD, m.at<void>(pad_));
    return m.at<void>(inner_);
  }
  void before() const {
    if (reorder_ && !result_) reorder_->execute();
  }
  void after() const {
    if (reorder_ && result_) reorder_->execute();
  }

 private:
  Ref place_, inner_, pad_;
  bool result_;
  std::shared_ptr<Primitive> reorder_;
};

void lower_conv(Lowering& l, const Node& node, const Roles& roles) {
  const ValueInfo &x_info = l.info(roles.x), &w_info = l.info(roles.w), &y_info = l.info(roles.y);
  const Shape x = x_info.shape, w = w_info.shape, y = y_info.shape;
  const auto& window = node.get<Window>();
  const bool block = !is_narrow(l.graph(), node) && window.rank == 2 && window.groups == 1 &&
                     can_block(x, DType::f32) && y[3] % 16 == 0;
  const Layout layout = block ? Layout::blocked : Layout::plain;
  auto prepared = prepare_conv(l.engine(), {.pass = roles.pass,
                                            .window = window,
                                            .x = x,
                                            .w = w,
                                            .y = y,
                                            .x_type = x_info.dtype,
                                            .w_type = w_info.dtype,
                                            .y_type = y_info.dtype,
                                            .layout = layout,
                                            .bias = node.fusion.bias,
                                            .epilogue = node.fusion.epilogue});
  // The pixels of a 1x1 image are the same in both layouts, so a blocked conv may have such a side lie plain.
  auto resident = [&](const Shape& shape) { return can_block(shape, DType::f32) ? layout : Layout::plain; };
  const Places at = place(l, roles, resident(x), resident(y), &prepared.w, window.groups);
  const bool make_w = roles.pass == ConvPass::weight_grad;
  const Operand at_x(l, activation_desc(x, layout, x_info.dtype), prepared.x, at.x,
                     roles.pass == ConvPass::input_grad);
  const Operand at_y(l, activation_desc(y, layout, y_info.dtype), prepared.y, at.y,
                     roles.pass == ConvPass::forward);
  const Operand at_w(l, make_w ? weight_desc(w, window.groups) : prepared.w, prepared.w, at.w, make_w);
  const Ref bias = node.fusion.bias ? l.get(node.inputs[2]) : Ref{};
  const Ref scratch = l.scratch(prepared.scratch_bytes);

  auto primitive = std::make_shared<Primitive>(std::move(prepared.primitive));
  Step step = step_of(l, node, roles,
                      fmt::format("{}, {}", describe(roles.pass == ConvPass::input_grad ? x : y, layout),
                                  prepared.implementation));
  step.bind = [=, args = prepared.args](const Frame& m) {
    primitive->bind(args.x, at_x.bind(m));
    primitive->bind(args.w, at_w.bind(m));
    primitive->bind(args.y, at_y.bind(m));
    primitive->bind(DNNL_ARG_SCRATCHPAD, m.at<void>(scratch));
    if (bias.valid()) primitive->bind(DNNL_ARG_BIAS, m.at<void>(bias));
  };
  step.run = [=](const Frame&) {
    at_x.before();
    at_y.before();
    primitive->execute();
    at_x.after();
    at_y.after();
    at_w.after();
  };
  l.emit(std::move(step));
}

void lower_matmul(Lowering& l, const Node& node) {
  const auto attr = node.get<MatmulAttr>();
  const Shape &a = l.info(node.inputs[0]).shape, &c = l.info(node.outputs[0]).shape;
  const int64_t batch = c.rank() == 3 ? c[0] : 1, m = c[-2], n = c[-1], k = a[attr.transpose_a ? -2 : -1];
  const Ref left = l.get(node.inputs[0]), right = l.get(node.inputs[1]), result = l.put(node.outputs[0]);
  auto prepared = prepare_matmul(
      l.engine(), {attr.transpose_a, attr.transpose_b, batch, m, n, k, l.info(node.inputs[0]).dtype,
                   l.info(node.inputs[1]).dtype, l.info(node.outputs[0]).dtype});
  const Ref scratch = l.scratch(prepared.scratch_bytes);
  auto primitive = std::make_shared<Primitive>(std::move(prepared.primitive));
  l.emit({"matmul", node.name, fmt::format("{}x{}x{}x{}, {}", batch, m, n, k, prepared.implementation),
          [primitive](const Frame&) { primitive->execute(); },
          [=](const Frame& f) {
            primitive->bind(DNNL_ARG_SRC, f.at<void>(left));
            primitive->bind(DNNL_ARG_WEIGHTS, f.at<void>(right));
            primitive->bind(DNNL_ARG_DST, f.at<void>(result));
            primitive->bind(DNNL_ARG_SCRATCHPAD, f.at<void>(scratch));
          },
          2.0 * static_cast<double>(batch * m * n * k),
          static_cast<double>(l.bytes_of(node.inputs[0]) + l.bytes_of(node.inputs[1]) +
                              l.bytes_of(node.outputs[0]))});
}

}  // namespace

void lower_contraction(Lowering& lowering, const Node& node) {
  if (node.op == Op::matmul) return lower_matmul(lowering, node);
  const Roles roles = roles_of(node);
  if (!lower_conv_by_hand(lowering, node, roles)) lower_conv(lowering, node, roles);
}

}  // namespace agon::cpu
