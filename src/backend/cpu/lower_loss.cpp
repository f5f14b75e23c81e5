#include "backend/cpu/kernels/loss.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {
namespace {

/// Room for a result that somebody reads.
Ref put_if_read(Lowering& l, int value) {
  return l.is_read(value) ? l.put(value) : Ref{};
}

float* address(const Frame& f, Ref ref) {
  return ref.valid() ? f.at(ref) : nullptr;
}

}  // namespace

void lower_loss(Lowering& l, const Node& node) {
  const auto attr = node.get<LossAttr>();
  const Shape& shape = l.info(node.inputs[0]).shape;
  const bool rows = attr.kind == LossKind::softmax_cross_entropy;
  const int64_t classes = rows ? shape[1] : 1, count = shape.numel() / classes;
  const Ref x = l.get(node.inputs[0]), other = node.inputs.size() > 1 ? l.get(node.inputs[1]) : Ref{};
  const Ref value = put_if_read(l, node.outputs[0]), grad = put_if_read(l, node.outputs[1]);
  const auto n = static_cast<double>(shape.numel());
  l.emit({"loss",
          node.name,
          fmt::format("{} {}", name_of(attr.kind), shape.str()),
          [=](const Frame& f) {
            LossArgs args;
            args.loss = attr;
            args.x = f.at(x);
            if (rows)
              args.labels = f.at<int32_t>(other);
            else
              args.target = address(f, other);
            args.count = count;
            args.classes = classes;
            args.value = address(f, value);
            args.grad = address(f, grad);
            loss(args);
          },
          {},
          20 * n,
          (other.valid() && !rows ? 8 : 4) * n + (grad.valid() ? 4 * n : 0)});
}

void lower_gradient_penalty(Lowering& l, const Node& node) {
  const auto attr = node.get<PenaltyAttr>();
  const Shape& shape = l.info(node.inputs[0]).shape;
  const Ref g = l.get(node.inputs[0]);
  const Ref value = put_if_read(l, node.outputs[0]), grad = put_if_read(l, node.outputs[1]),
            norms = put_if_read(l, node.outputs[2]);
  const int64_t samples = shape[0], size = shape.numel() / samples;
  const auto n = static_cast<double>(shape.numel());
  l.emit({"gradient_penalty",
          node.name,
          fmt::format("{} {}", name_of(attr.kind), shape.str()),
          [=](const Frame& f) {
            gradient_penalty(
                {attr, f.at(g), samples, size, address(f, value), address(f, grad), address(f, norms)});
          },
          {},
          3 * n,
          (grad.valid() ? 8 : 4) * n});
}

}  // namespace agon::cpu
