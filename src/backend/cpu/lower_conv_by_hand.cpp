#include "backend/cpu/conv_lowering.h"
#include "backend/cpu/kernels/amx.h"
#include "backend/cpu/kernels/amx_conv.h"
#include "backend/cpu/kernels/amx_weight_grad.h"
#include "backend/cpu/kernels/blocked_conv.h"
#include "backend/cpu/kernels/thin_conv.h"

namespace agon::cpu {
namespace {

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

bool lower_conv_by_hand(Lowering& lowering, const Node& node, const Roles& roles) {
  if (is_thin(lowering.graph(), node))
    lower_thin(lowering, node, roles);
  else if (is_blocked_by_hand(lowering, node, roles))
    lower_blocked(lowering, node, roles);
  else if (is_amx(lowering, node, roles))
    lower_amx(lowering, node, roles);
  else
    return false;
  return true;
}

}  // namespace agon::cpu
