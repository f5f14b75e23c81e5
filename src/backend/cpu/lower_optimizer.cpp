#include "backend/cpu/kernels/optimizers.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {

/// Parameters and slots are updated in place; the last two results are the norms.
void lower_optimizer(Lowering& l, const Node& node) {
  const auto attr = node.get<OptimizerAttr>();
  const int64_t n = l.info(node.inputs[0]).shape.numel();
  const int slots = node.op == Op::sgd ? 1 : 2;
  const auto input = [&](int i) { return l.get(node.inputs[static_cast<size_t>(i)]); };
  const Ref p = input(0), g = input(1), first = input(2), second = slots == 2 ? input(3) : Ref{};
  const Ref lr = input(2 + slots);
  const Ref correction1 = node.op == Op::adam ? input(5) : Ref{},
            correction2 = node.op == Op::adam ? input(6) : Ref{};
  l.put_at(node.outputs[0], p);
  l.put_at(node.outputs[1], first);
  if (slots == 2) l.put_at(node.outputs[2], second);
  const auto at_end = static_cast<size_t>(1 + slots);
  const Ref grad_square = l.put(node.outputs[at_end]), param_square = l.put(node.outputs[at_end + 1]);
  const Op op = node.op;
  l.emit({std::string(name_of(op)),
          node.name,
          fmt::format("{} parameters", n),
          [=](const Frame& f) {
            const double rate = *f.at(lr);
            UpdateNorms norms;
            if (op == Op::adam)
              norms = adam(f.at(p), f.at(g), f.at(first), f.at(second), n,
                           {attr.beta1, attr.beta2, attr.eps, attr.weight_decay}, rate, *f.at(correction1),
                           *f.at(correction2));
            else if (op == Op::rmsprop)
              norms = rmsprop(f.at(p), f.at(g), f.at(first), f.at(second), n,
                              {attr.beta2, attr.eps, attr.beta1, attr.weight_decay}, rate);
            else
              norms = sgd(f.at(p), f.at(g), f.at(first), n, {attr.beta1, attr.weight_decay, false}, rate);
            *f.at(grad_square) = static_cast<float>(norms.grad_square);
            *f.at(param_square) = static_cast<float>(norms.param_square);
          },
          {},
          12.0 * static_cast<double>(n),
          (slots == 2 ? 28.0 : 20.0) * static_cast<double>(n)});
}

}  // namespace agon::cpu
