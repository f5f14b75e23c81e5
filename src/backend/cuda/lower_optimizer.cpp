#include "backend/cuda/lowering.h"

namespace agon::device {

/// Parameters and slots are updated in place, with what follows over the same buffer; the last two results
/// are the norms.
void lower_optimizer(Lowering& l, const Node& node) {
  const auto attr = node.get<OptimizerAttr>();
  const int64_t n = l.shape(node.inputs[0]).numel();
  const int slots = node.op == Op::sgd ? 1 : 2;
  const auto input = [&](int i) { return l.get(node.inputs[static_cast<size_t>(i)]); };
  const Ref p = input(0), g = input(1), first = input(2), second = slots == 2 ? input(3) : Ref{};
  const Ref lr = input(2 + slots);
  const bool adam = node.op == Op::adam;
  const Ref correction1 = adam ? input(5) : Ref{}, correction2 = adam ? input(6) : Ref{};
  l.put_at(node.outputs[0], p);
  l.put_at(node.outputs[1], first);
  if (slots == 2) l.put_at(node.outputs[2], second);
  const auto at_end = static_cast<size_t>(1 + slots);
  const Ref grad_square = l.put(node.outputs[at_end]), param_square = l.put(node.outputs[at_end + 1]);

  const UpdateTails::Tail tail = l.update_tails().find(node.outputs[0]);
  Ref average, weight, narrow;
  std::string detail = fmt::format("{} parameters", n);
  double bytes = (slots == 2 ? 28.0 : 20.0) * static_cast<double>(n);
  if (tail.clipped >= 0) {
    l.put_at(tail.clipped, p);
    detail += ", clipped";
  }
  if (tail.average >= 0) {
    average = l.get(tail.average);
    weight = l.get(tail.weight);
    l.put_at(tail.averaged, average);
    detail += ", averaged";
    bytes += 8.0 * static_cast<double>(n);
  }
  if (tail.narrow >= 0) {
    narrow = l.put(tail.narrow);
    detail += ", copied as bf16";
    bytes += 2.0 * static_cast<double>(n);
  }

  kernel::OptimizerArgs args;
  args.kind = adam                     ? kernel::OptimizerKind::adam
              : node.op == Op::rmsprop ? kernel::OptimizerKind::rmsprop
                                       : kernel::OptimizerKind::sgd;
  args.count = n;
  args.beta1 = static_cast<float>(attr.beta1);
  args.beta2 = static_cast<float>(attr.beta2);
  args.eps = static_cast<float>(attr.eps);
  args.weight_decay = static_cast<float>(attr.weight_decay);
  args.clip = tail.clipped >= 0;
  args.clip_lo = static_cast<float>(tail.lo);
  args.clip_hi = static_cast<float>(tail.hi);
  const auto bind = [=](const Frame& f, kernel::OptimizerArgs& a) {
    a.p = f.at(p);
    a.g = f.at(g);
    a.first = f.at(first);
    a.second = f.at(second);
    a.lr = f.at(lr);
    a.correction1 = f.at(correction1);
    a.correction2 = f.at(correction2);
    a.gradient_square = f.at(grad_square);
    a.parameter_square = f.at(param_square);
    a.ema = f.at(average);
    a.ema_weight = f.at(weight);
    a.p_bf16 = f.at<uint16_t>(narrow);
  };
  l.emit(node, {detail, 12.0 * static_cast<double>(n), bytes}, &agon_cuda_table::optimizer,
         &agon_cuda_table::optimizer_workspace, args, bind);
}

}  // namespace agon::device
