#include "backend/cuda/lowering.h"

namespace agon::device {
namespace {

/// `x` is the large image, `y` the pooled one.
kernel::PoolArgs pool_args(kernel::PoolOp op, const Shape& x, const Shape& y, const Window& window) {
  kernel::PoolArgs args;
  args.op = op;
  args.n = x[0];
  args.channels = static_cast<int>(x[-1]);
  for (int i = 0; i < window.rank; ++i) {
    const auto a = static_cast<size_t>(i);
    args.in[i] = static_cast<int>(x[i + 1]);
    args.out[i] = static_cast<int>(y[i + 1]);
    args.kernel[i] = static_cast<int>(window.kernel[a]);
    args.stride[i] = static_cast<int>(window.stride[a]);
    args.pad_lo[i] = static_cast<int>(window.pad_lo[a]);
    args.dilation[i] = static_cast<int>(window.dilation[a]);
  }
  args.count_include_pad = window.count_include_pad;
  return args;
}

void lower_pool(Lowering& l, const Node& node) {
  const Op op = node.op;
  const bool gradient = op == Op::avg_pool_grad || op == Op::max_pool_grad;
  const kernel::PoolOp kind = op == Op::avg_pool        ? kernel::PoolOp::avg
                              : op == Op::avg_pool_grad ? kernel::PoolOp::avg_grad
                              : op == Op::max_pool      ? kernel::PoolOp::max
                              : op == Op::max_pool_grad ? kernel::PoolOp::max_grad
                                                        : kernel::PoolOp::max_take;
  const int large = gradient ? node.outputs[0] : node.inputs[0],
            small = gradient ? node.inputs[0] : node.outputs[0];
  const Ref in = l.get(node.inputs[0]);
  const Ref index_in = node.inputs.size() > 1 ? l.get(node.inputs[1]) : Ref{};
  const Ref out = l.put(node.outputs[0]);
  const Ref index = op == Op::max_pool ? l.put(node.outputs[1]) : index_in;
  const Ref x = gradient ? out : in, y = gradient ? in : out;
  l.emit(node,
         {l.shape(node.outputs[0]).str(), 0,
          4.0 * static_cast<double>(l.shape(large).numel() + l.shape(small).numel())},
         &agon_cuda_table::pool, pool_args(kind, l.shape(large), l.shape(small), node.get<Window>()),
         [=](const Frame& f, kernel::PoolArgs& a) {
           a.x = f.at(x);
           a.y = f.at(y);
           a.index = f.at<int32_t>(index);
         });
}

}  // namespace

void lower_window(Lowering& l, const Node& node) {
  if (node.op != Op::resize && node.op != Op::resize_grad) return lower_pool(l, node);
  const bool gradient = node.op == Op::resize_grad;
  const Ref in = l.get(node.inputs[0]), out = l.put(node.outputs[0]);
  const Shape& from = l.shape(gradient ? node.outputs[0] : node.inputs[0]);
  const Shape& to = l.shape(gradient ? node.inputs[0] : node.outputs[0]);
  kernel::ResizeArgs args;
  args.mode = static_cast<kernel::ResizeMode>(node.get<ResizeAttr>().mode);
  args.grad = gradient;
  args.n = from[0];
  args.in_h = static_cast<int>(from[1]);
  args.in_w = static_cast<int>(from[2]);
  args.out_h = static_cast<int>(to[1]);
  args.out_w = static_cast<int>(to[2]);
  args.channels = static_cast<int>(from[3]);
  l.emit(node, {to.str(), 0, 4.0 * static_cast<double>(from.numel() + to.numel())}, &agon_cuda_table::resize,
         args, [=](const Frame& f, kernel::ResizeArgs& a) {
           a.x = f.at(gradient ? out : in);
           a.y = f.at(gradient ? in : out);
         });
}

}  // namespace agon::device
