#include "backend/cuda/lowering.h"

namespace agon::device {
namespace {

kernel::LossKind to_kernel(LossKind kind) {
  switch (kind) {
    case LossKind::bce_with_logits:
      return kernel::LossKind::bce_with_logits;
    case LossKind::least_squares:
      return kernel::LossKind::least_squares;
    case LossKind::hinge:
      return kernel::LossKind::hinge;
    case LossKind::wasserstein:
      return kernel::LossKind::wasserstein;
    case LossKind::l1:
      return kernel::LossKind::l1;
    case LossKind::softmax_cross_entropy:
      return kernel::LossKind::softmax_cross_entropy;
  }
  fail(ErrorKind::internal, "cuda: no such loss");
}

/// Room for a result that somebody reads.
Ref put_if_read(Lowering& l, int value) {
  return l.uses().of(value).empty() ? Ref{} : l.put(value);
}

}  // namespace

void lower_loss(Lowering& l, const Node& node) {
  const auto attr = node.get<LossAttr>();
  const Shape& shape = l.shape(node.inputs[0]);
  const bool rows = attr.kind == LossKind::softmax_cross_entropy;
  kernel::LossArgs args;
  args.kind = to_kernel(attr.kind);
  args.target_value = static_cast<float>(attr.target);
  args.classes = rows ? static_cast<int>(shape[1]) : 0;
  args.count = rows ? shape[0] : shape.numel();
  args.smoothing = static_cast<float>(attr.smoothing);
  args.scale = static_cast<float>(attr.scale);
  const Ref x = l.get(node.inputs[0]), other = node.inputs.size() > 1 ? l.get(node.inputs[1]) : Ref{};
  const Ref value = put_if_read(l, node.outputs[0]), grad = put_if_read(l, node.outputs[1]);
  const Ref workspace = value.valid() ? l.workspace(l.cuda().loss_workspace(&args)) : Ref{};
  const auto n = static_cast<double>(shape.numel());
  l.emit(node,
         {fmt::format("{} {}", name_of(attr.kind), shape.str()), 20 * n,
          (other.valid() && !rows ? 8 : 4) * n + (grad.valid() ? 4 * n : 0)},
         &agon_cuda_table::loss, args, [=](const Frame& f, kernel::LossArgs& a) {
           a.x = f.at(x);
           if (rows)
             a.labels = f.at<int32_t>(other);
           else
             a.target = f.at(other);
           a.value = f.at(value);
           a.grad = f.at(grad);
           a.workspace = f.at<void>(workspace);
         });
}

void lower_gradient_penalty(Lowering& l, const Node& node) {
  const auto attr = node.get<PenaltyAttr>();
  const Shape& shape = l.shape(node.inputs[0]);
  kernel::GradientPenaltyArgs args;
  args.kind =
      attr.kind == PenaltyKind::unit_norm ? kernel::PenaltyKind::unit_norm : kernel::PenaltyKind::zero_norm;
  args.weight = static_cast<float>(attr.weight);
  args.samples = shape[0];
  args.size = shape.numel() / shape[0];
  const Ref g = l.get(node.inputs[0]);
  const Ref value = put_if_read(l, node.outputs[0]), grad = put_if_read(l, node.outputs[1]),
            norms = put_if_read(l, node.outputs[2]);
  const Ref workspace = value.valid() ? l.workspace(l.cuda().gradient_penalty_workspace(&args)) : Ref{};
  const auto n = static_cast<double>(shape.numel());
  l.emit(node, {fmt::format("{} {}", name_of(attr.kind), shape.str()), 3 * n, (grad.valid() ? 8 : 4) * n},
         &agon_cuda_table::gradient_penalty, args, [=](const Frame& f, kernel::GradientPenaltyArgs& a) {
           a.g = f.at(g);
           a.value = f.at(value);
           a.grad = f.at(grad);
           a.norms = f.at(norms);
           a.workspace = f.at<void>(workspace);
         });
}

}  // namespace agon::device
