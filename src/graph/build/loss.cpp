#include "agon/graph.h"

namespace agon {
namespace {

Value append_loss(Value x, std::vector<Value> inputs, LossAttr attr, double weight, int64_t count) {
  attr.scale = weight / static_cast<double>(count);
  return x.graph().append(Op::loss, std::move(inputs), attr);
}

}  // namespace

Value mean_loss(LossKind kind, Value x, double target, double weight, double smoothing) {
  return append_loss(x, {x}, {kind, target, smoothing}, weight, x.shape().numel());
}

Value mean_loss(LossKind kind, Value x, Value target, double weight, double smoothing) {
  return append_loss(x, {x, target}, {kind, 0, smoothing}, weight, x.shape().numel());
}

Value softmax_cross_entropy(Value x, Value labels, double weight, double smoothing) {
  return append_loss(x, {x, labels}, {LossKind::softmax_cross_entropy, 0, smoothing}, weight,
                     labels.shape().numel());
}

Value norm_penalty(PenaltyKind kind, Value g, double weight) {
  return g.graph().append(Op::gradient_penalty, {g}, PenaltyAttr{kind, weight});
}

}  // namespace agon
