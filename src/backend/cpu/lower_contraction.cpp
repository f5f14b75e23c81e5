#include "backend/cpu/kernels/amx.h"
#include "backend/cpu/kernels/amx_conv.h"
#include "backend/cpu/kernels/amx_weight_grad.h"
#include "backend/cpu/kernels/blocked_conv.h"
#include "backend/cpu/kernels/thin_conv.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {
namespace {

/// The three operands of a convolution by role, whichever of them the op computes.
struct Roles {
  int x, w, y;  ///< values
  ConvPass pass;
};

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

/// True if an operand of the contraction is bf16. Its activations lie plain: oneDNN's kernels for matrix
/// registers want NHWC, and those for avx512_bf16 are as fast with it.
bool is_narrow(const Graph& graph, const Node& node) {
  return graph.value(node.inputs[0]).dtype == DType::bf16;
}

/// Where the operands of a convolution lie; the one that the pass computes is made.
struct Places {
  Ref x, w, y;
};

/// Places x and y in the layouts given; plain weights are placed, other ones come from `weights`.
Places place(Lowering& l, const Roles& roles, Layout x, Layout y, const dnnl::memory::desc* weights = nullptr,
             int64_t groups = 1) {
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

/// A step without its functions.
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

using Run = std::function<void(const Frame&)>;
Run choose(ConvPass pass, Run forward, Run input_grad, Run weight_grad) {
  return pass == ConvPass::forward ? forward : pass == ConvPass::input_grad ? input_grad : weight_grad;
}

void lower_thin(Lowering& l, const Node& node, const Roles& roles) {
  const Shape &x = l.info(roles.x).shape, &w = l.info(roles.w).shape, &y = l.info(roles.y).shape;
  const auto& window = node.get<Window>();
  const ThinConv problem{.images = x[0],
                         .height = x[1],
                         .width = x[2],
                         .channels = x[3],
                         .wide_height = y[1],
                         .wide_width = y[2],
                         .wide_channels = y[3],
                         .wide_block = 16,
                         .kernel_h = w[1],
                         .kernel_w = w[2],
                         .stride_h = window.stride[0],
                         .stride_w = window.stride[1],
                         .pad_top = window.pad_lo[0],
                         .pad_left = window.pad_lo[1]};
  const Places at = place(l, roles, Layout::plain, Layout::blocked);
  const Ref scratch = l.scratch(thin_conv_scratch_bytes(problem));
  const Activation f = node.fusion.epilogue;
  const bool biased = node.fusion.bias;
  const Ref bias = biased ? l.get(node.inputs[2]) : Ref{};
  const auto bias_at = [=](const Frame& frame) { return biased ? frame.at(bias) : nullptr; };
  Step step = step_of(l, node, roles, "thin, by hand");
  step.run = choose(
      roles.pass,
      [=](const Frame& m) {
        thin_conv_forward(problem, m.at(at.x), m.at(at.w), bias_at(m), f, m.at(at.y), m.at<void>(scratch));
      },
      [=](const Frame& m) {
        thin_conv_input_grad(problem, m.at(at.y), m.at(at.w), bias_at(m), f, m.at(at.x), m.at<void>(scratch));
      },
      [=](const Frame& m) {
        thin_conv_weight_grad(problem, m.at(at.x), m.at(at.y), m.at(at.w), m.at<void>(scratch));
      });
  l.emit(std::move(step));
}

/// True where the hand-written kernels of blocked_conv.h beat oneDNN: weight gradients always, the other
/// passes over batches of small images (measured with oneDNN 2.6 on AVX-512; a 4x4 kernel over 4x4 images
/// spends a quarter of its taps on padding), the input gradient only while its weights stay in the
/// second-level cache.
bool is_blocked_by_hand(const Lowering& l, const Node& node, const Roles& roles) {
  const ValueInfo &x = l.info(roles.x), &w = l.info(roles.w), &y = l.info(roles.y);
  const auto& window = node.get<Window>();
  if (is_narrow(l.graph(), node) || window.rank != 2 || window.groups != 1 || window.dilation[0] != 1 ||
      window.dilation[1] != 1 || !can_block(x.shape, x.dtype) || !can_block(y.shape, y.dtype))
    return false;
  if (roles.pass == ConvPass::weight_grad) return true;
  if (node.fusion.bias || node.fusion.epilogue.kind != ActivationKind::identity) return false;
  if (x.shape[0] < 8 || y.shape[1] * y.shape[2] > 16 || w.shape[1] * w.shape[2] > most_taps) return false;
  return roles.pass == ConvPass::forward || w.shape.numel() <= 1 << 20;
}

BlockedConv geometry(const Lowering& l, const Node& node, const Roles& roles) {
  const Shape &x = l.info(roles.x).shape, &w = l.info(roles.w).shape, &y = l.info(roles.y).shape;
  const auto& window = node.get<Window>();
  return {.images = x[0],
          .height = x[1],
          .width = x[2],
          .channels = x[3],
          .out_height = y[1],
          .out_width = y[2],
          .out_channels = y[3],
          .kernel_h = w[1],
          .kernel_w = w[2],
          .stride_h = window.stride[0],
          .stride_w = window.stride[1],
          .pad_top = window.pad_lo[0],
          .pad_left = window.pad_lo[1]};
}

void lower_blocked(Lowering& l, const Node& node, const Roles& roles) {
  const Shape &x = l.info(roles.x).shape, &w = l.info(roles.w).shape, &y = l.info(roles.y).shape;
  const BlockedConv problem = geometry(l, node, roles);
  const auto weights = blocked_weight_desc(w, roles.pass);
  const Places at = place(l, roles, Layout::blocked, Layout::blocked, &weights);
  const Shape& result = roles.pass == ConvPass::input_grad ? x : y;
  Step step = step_of(l, node, roles, describe(result, Layout::blocked) + ", by hand");
  step.run = choose(
      roles.pass, [=](const Frame& m) { blocked_conv_forward(problem, m.at(at.x), m.at(at.w), m.at(at.y)); },
      [=](const Frame& m) { blocked_conv_input_grad(problem, m.at(at.y), m.at(at.w), m.at(at.x)); },
      [=](const Frame& m) { blocked_weight_grad(problem, m.at(at.x), m.at(at.y), m.at(at.w)); });
  l.emit(std::move(step));
}

/// Pixels of the convolution's output up to which amx_conv.h is faster than oneDNN, whose input gradient is
/// the slower one.
constexpr int64_t most_forward_pixels = 64, most_input_grad_pixels = 256;

/// True for convolutions of bf16 images that amx_weight_grad.h and amx_conv.h compute faster than oneDNN 2.6
/// with the same matrix registers: weight gradients always, the other passes over batches of small images.
bool is_amx(const Lowering& l, const Node& node, const Roles& roles) {
  const ValueInfo &x = l.info(roles.x), &w = l.info(roles.w), &y = l.info(roles.y);
  const auto& window = node.get<Window>();
  if (!has_amx() || x.dtype != DType::bf16 || y.dtype != DType::bf16 || window.rank != 2 ||
      window.groups != 1 || window.dilation[0] != 1 || window.dilation[1] != 1 || x.shape[3] % 16 != 0 ||
      y.shape[3] % 16 != 0)
    return false;
  if (roles.pass == ConvPass::weight_grad) return true;
  const bool plain = !node.fusion.bias && node.fusion.epilogue.kind == ActivationKind::identity;
  const bool forward = roles.pass == ConvPass::forward;
  const int64_t read = forward ? x.shape[3] : y.shape[3];
  const int64_t most_pixels = forward ? most_forward_pixels : most_input_grad_pixels;
  return plain && w.dtype == DType::bf16 && x.shape[0] % 16 == 0 && read % 32 == 0 &&
         w.shape[1] * w.shape[2] <= most_amx_taps && y.shape[1] * y.shape[2] <= most_pixels;
}

void lower_amx(Lowering& l, const Node& node, const Roles& roles) {
  const BlockedConv problem = geometry(l, node, roles);
  const Places at = place(l, roles, Layout::plain, Layout::plain);
  const Ref scratch = l.scratch(roles.pass == ConvPass::weight_grad ? amx_weight_grad_scratch_bytes(problem)
                                                                    : amx_conv_scratch_bytes(problem));
  const int result = roles.pass == ConvPass::input_grad ? roles.x : roles.y;
  Step step = step_of(l, node, roles, l.info(result).shape.str() + ", matrix registers, by hand");
  step.run = choose(
      roles.pass,
      [=](const Frame& m) {
        amx_conv_forward(problem, m.at<bf16>(at.x), m.at<bf16>(at.w), m.at<bf16>(at.y), m.at<void>(scratch));
      },
      [=](const Frame& m) {
        amx_conv_input_grad(problem, m.at<bf16>(at.y), m.at<bf16>(at.w), m.at<bf16>(at.x),
                            m.at<void>(scratch));
      },
      [=](const Frame& m) {
        amx_weight_grad(problem, m.at<bf16>(at.x), m.at<bf16>(at.y), m.at(at.w), m.at<void>(scratch));
      });
  l.emit(std::move(step));
}

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

bool is_thin(const Graph& graph, const Node& node) {
  if (node.op != Op::conv && node.op != Op::conv_input_grad && node.op != Op::conv_weight_grad) return false;
  const auto& window = node.get<Window>();
  if (window.rank != 2 || window.groups != 1 || window.dilation[0] != 1 || window.dilation[1] != 1)
    return false;
  const Roles roles = roles_of(node);
  const Shape &x = graph.value(roles.x).shape, &y = graph.value(roles.y).shape;
  return !is_narrow(graph, node) && x[3] <= 4 && can_block(y, DType::f32);
}

void lower_contraction(Lowering& lowering, const Node& node) {
  if (node.op == Op::matmul) return lower_matmul(lowering, node);
  const Roles roles = roles_of(node);
  if (is_thin(lowering.graph(), node)) return lower_thin(lowering, node, roles);
  if (is_blocked_by_hand(lowering, node, roles)) return lower_blocked(lowering, node, roles);
  if (is_amx(lowering, node, roles)) return lower_amx(lowering, node, roles);
  lower_conv(lowering, node, roles);
}

}  // namespace agon::cpu
