#include "cuda_kernels/scalar_ops.h"

#include "backend/reference/kernels.h"

namespace agon::test {
namespace {

Activation of(const cuda::Activation& f) {
  return {static_cast<ActivationKind>(f.kind), f.alpha};
}

}  // namespace

double activate(const cuda::Activation& f, double x) {
  return reference::activate(of(f), x);
}

double derivative(const cuda::Activation& f, double y) {
  return reference::activate_grad(of(f), y, 1);
}

double apply(const cuda::ElementwiseInstruction& instruction, double a, double b, double c) {
  const auto op = static_cast<Op>(static_cast<int>(Op::neg) + static_cast<int>(instruction.op));
  return reference::apply({op, {}, of(instruction.activation), {instruction.lo, instruction.hi}}, a, b, c);
}

}  // namespace agon::test
