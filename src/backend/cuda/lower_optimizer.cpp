#include "backend/cuda/lowering.h"

namespace agon::device {

/// Parameters and slots are updated in place; the last two results are the norms.
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

  kernel::OptimizerArgs args;
  args.kind = adam                     ? kernel::OptimizerKind::adam
              : node.op == Op::rmsprop ? kernel::OptimizerKind::rmsprop
                                       : kernel::OptimizerKind::sgd;
  args.count = n;
  args.beta1 = static_cast<float>(attr.beta1);
  args.beta2 = static_cast<float>(attr.beta2);
  args.eps = static_cast<float>(attr.eps);
  args.weight_decay = static_cast<float>(attr.weight_decay);
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
  };
  kernel::OptimizerArgs question = args;
  bind(l.preview(), question);
  const Ref workspace = l.workspace(l.cuda().optimizer_workspace(&question));
  l.emit(node,
         {fmt::format("{} parameters", n), 12.0 * static_cast<double>(n),
          (slots == 2 ? 28.0 : 20.0) * static_cast<double>(n)},
         &agon_cuda_table::optimizer, args, [=](const Frame& f, kernel::OptimizerArgs& a) {
           bind(f, a);
           a.workspace = f.at<void>(workspace);
         });
}

}  // namespace agon::device
