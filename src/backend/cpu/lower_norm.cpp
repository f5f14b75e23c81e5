#include "backend/cpu/kernels/batch_norm.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {
namespace {

ChannelLayout channels_of(const Shape& shape, Layout layout) {
  if (layout == Layout::blocked) return ChannelLayout::blocked16(shape[0], shape[1] * shape[2], shape[3]);
  return ChannelLayout::rows(shape.numel() / shape[-1], shape[-1]);
}

void lower_train(Lowering& l, const Node& node) {
  const Shape shape = l.info(node.inputs[0]).shape;
  const auto attr = node.get<BatchNormAttr>();
  const Layout layout = l.resident(node.inputs[0]);
  const ChannelLayout c = channels_of(shape, layout);
  const auto vector_bytes = static_cast<size_t>(c.channels) * sizeof(float);
  const Ref x = l.get(node.inputs[0], layout), gamma = l.get(node.inputs[1]), beta = l.get(node.inputs[2]);
  const Ref old_mean = l.get(node.inputs[3]), old_var = l.get(node.inputs[4]);
  const Ref y = l.put(node.outputs[0], layout), mean = l.put(node.outputs[1]),
            inv_std = l.put(node.outputs[2]);
  l.put_at(node.outputs[3], old_mean);
  l.put_at(node.outputs[4], old_var);
  const Ref variance = l.scratch(vector_bytes), scratch = l.scratch(batch_norm_scratch_bytes(c.channels));
  const Activation f = node.fusion.epilogue;
  l.emit({"batch_norm_train",
          node.name,
          describe(shape, layout),
          [=](const Frame& m) {
            batch_norm_stats(c, m.at(x), attr.eps, m.at(mean), m.at(variance), m.at(inv_std),
                             m.at<void>(scratch));
            batch_norm_update_running(c, attr.momentum, m.at(mean), m.at(variance), m.at(old_mean),
                                      m.at(old_var), m.at(old_mean), m.at(old_var));
            batch_norm_apply(c, m.at(x), m.at(mean), m.at(inv_std), m.at(gamma), m.at(beta), f, m.at(y),
                             m.at<void>(scratch));
          },
          {},
          8.0 * static_cast<double>(shape.numel()),
          12.0 * static_cast<double>(shape.numel())});
}

void lower_grad(Lowering& l, const Node& node) {
  const Shape shape = l.info(node.inputs[0]).shape;
  const Layout layout = l.resident(node.inputs[0]);
  const ChannelLayout c = channels_of(shape, layout);
  const Activation f = node.fusion.grad;
  const bool fused = f.kind != ActivationKind::identity;
  const Ref x = l.get(node.inputs[0], layout), gamma = l.get(node.inputs[1]), mean = l.get(node.inputs[2]);
  const Ref inv_std = l.get(node.inputs[3]), dy = l.get(node.inputs[4], layout);
  const Ref y = fused ? l.get(node.inputs[5], layout) : Ref{};
  const Ref dx = l.put_over(node.outputs[0], node.inputs[4], layout), dgamma = l.put(node.outputs[1]),
            dbeta = l.put(node.outputs[2]);
  const Ref scratch = l.scratch(batch_norm_scratch_bytes(c.channels));
  l.emit({"batch_norm_grad",
          node.name,
          describe(shape, layout),
          [=](const Frame& m) {
            batch_norm_grad(c, m.at(x), fused ? m.at(y) : nullptr, m.at(dy), m.at(mean), m.at(inv_std),
                            m.at(gamma), nullptr, f, m.at(dx), m.at(dgamma), m.at(dbeta),
                            m.at<void>(scratch));
          },
          {},
          12.0 * static_cast<double>(shape.numel()),
          (fused ? 28.0 : 20.0) * static_cast<double>(shape.numel())});
}

}  // namespace

void lower_norm(Lowering& lowering, const Node& node) {
  node.op == Op::batch_norm_train ? lower_train(lowering, node) : lower_grad(lowering, node);
}

}  // namespace agon::cpu
