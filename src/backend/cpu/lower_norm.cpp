#include "backend/cpu/lower_norm.h"

#include "backend/cpu/kernels/batch_norm.h"

namespace agon::cpu {
namespace {

ChannelLayout channels_of(const Shape& shape, Layout layout) {
  if (layout == Layout::blocked) return ChannelLayout::blocked16(shape[0], shape[1] * shape[2], shape[3]);
  return ChannelLayout::rows(shape.numel() / shape[-1], shape[-1]);
}

template <class K>
void lower_train(Lowering& l, const Node& node) {
  const Shape shape = l.info(node.inputs[0]).shape;
  const auto attr = node.get<BatchNormAttr>();
  const bool narrow =
      l.info(node.inputs[0]).dtype == DType::bf16 || l.info(node.outputs[0]).dtype == DType::bf16;
  const Layout layout = narrow ? Layout::plain : l.resident(node.inputs[0]);
  const ChannelLayout c = channels_of(shape, layout);
  const auto vector_bytes = static_cast<size_t>(c.channels) * sizeof(float);
  const Ref x = operand<K>(l, node.inputs[0], layout), gamma = l.get(node.inputs[1]),
            beta = l.get(node.inputs[2]);
  const Ref old_mean = l.get(node.inputs[3]), old_var = l.get(node.inputs[4]);
  const Result<K> y(l, node.outputs[0], l.put(node.outputs[0], layout));
  const Ref mean = l.put(node.outputs[1]), inv_std = l.put(node.outputs[2]);
  l.put_at(node.outputs[3], old_mean);
  l.put_at(node.outputs[4], old_var);
  const Ref variance = l.scratch(vector_bytes), scratch = l.scratch(batch_norm_scratch_bytes(c.channels));
  const Activation f = node.fusion.epilogue;
  l.emit({"batch_norm_train",
          node.name,
          describe(shape, layout),
          [=](const Frame& m) {
            batch_norm_stats(c, m.at<K>(x), attr.eps, m.at(mean), m.at(variance), m.at(inv_std),
                             m.at<void>(scratch));
            batch_norm_update_running(c, attr.momentum, m.at(mean), m.at(variance), m.at(old_mean),
                                      m.at(old_var), m.at(old_mean), m.at(old_var));
            batch_norm_apply(c, m.at<K>(x), m.at(mean), m.at(inv_std), m.at(gamma), m.at(beta), f, y.at(m),
                             m.at<void>(scratch));
            y.finish(m);
          },
          {},
          8.0 * static_cast<double>(shape.numel()),
          static_cast<double>(2 * l.bytes_of(node.inputs[0]) + l.bytes_of(node.outputs[0]))});
}

template <class K>
void lower_grad(Lowering& l, const Node& node) {
  const int x_value = node.inputs[0], dy_value = node.inputs[4];
  const Shape shape = l.info(x_value).shape;
  const Activation f = node.fusion.grad;
  const bool fused = f.kind != ActivationKind::identity;
  const auto is_narrow = [&](int id) { return l.info(id).dtype == DType::bf16; };
  const bool narrow = is_narrow(x_value) || is_narrow(dy_value) || is_narrow(node.outputs[0]) ||
                      (fused && is_narrow(node.inputs[5]));
  const Layout layout = narrow ? Layout::plain : l.resident(x_value);
  const ChannelLayout c = channels_of(shape, layout);
  const Ref x = operand<K>(l, x_value, layout), gamma = l.get(node.inputs[1]), mean = l.get(node.inputs[2]);
  const Ref inv_std = l.get(node.inputs[3]), dy = operand<K>(l, dy_value, layout);
  const Ref y = fused ? operand<K>(l, node.inputs[5], layout) : Ref{};
  const Result<K> dx(l, node.outputs[0], l.put_over(node.outputs[0], dy_value, layout));
  const Ref dgamma = l.put(node.outputs[1]), dbeta = l.put(node.outputs[2]);
  const Ref scratch = l.scratch(batch_norm_scratch_bytes(c.channels));
  const size_t read = l.bytes_of(x_value) + l.bytes_of(dy_value) + (fused ? l.bytes_of(node.inputs[5]) : 0);
  l.emit({"batch_norm_grad",
          node.name,
          describe(shape, layout),
          [=](const Frame& m) {
            batch_norm_grad(c, m.at<K>(x), fused ? m.at<K>(y) : nullptr, m.at<K>(dy), m.at(mean),
                            m.at(inv_std), m.at(gamma), nullptr, f, dx.at(m), m.at(dgamma), m.at(dbeta),
                            m.at<void>(scratch));
            dx.finish(m);
          },
          {},
          12.0 * static_cast<double>(shape.numel()),
          static_cast<double>(2 * read + l.bytes_of(node.outputs[0]))});
}

}  // namespace

void lower_norm(Lowering& lowering, const Node& node) {
  const bool train = node.op == Op::batch_norm_train;
  // Where some of the large operands are f32, all are taken for it.
  const int x = node.inputs[0], result = node.outputs[0];
  if (all_bf16(lowering, {x, result, train ? x : node.inputs[4], train ? x : node.inputs.back()}))
    train ? lower_train<bf16>(lowering, node) : lower_grad<bf16>(lowering, node);
  else
    train ? lower_train<float>(lowering, node) : lower_grad<float>(lowering, node);
}

}  // namespace agon::cpu
