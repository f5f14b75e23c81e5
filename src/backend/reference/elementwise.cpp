#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/kernels.h"
#include "backend/reference/walk.h"
#include "graph/elementwise_program.h"

namespace agon::reference {

double activate(const Activation& f, double x) {
  switch (f.kind) {
    case ActivationKind::identity:
      return x;
    case ActivationKind::relu:
      return x > 0 ? x : 0;
    case ActivationKind::leaky_relu:
      return x > 0 ? x : f.alpha * x;
    case ActivationKind::elu:
      return x > 0 ? x : f.alpha * std::expm1(x);
    case ActivationKind::tanh:
      return std::tanh(x);
    case ActivationKind::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  fail(ErrorKind::internal, "reference: unknown activation");
}

double activate_grad(const Activation& f, double y, double dy) {
  switch (f.kind) {
    case ActivationKind::identity:
      return dy;
    case ActivationKind::relu:
      return y > 0 ? dy : 0;
    case ActivationKind::leaky_relu:
      return y > 0 ? dy : f.alpha * dy;
    case ActivationKind::elu:
      return y > 0 ? dy : (y + f.alpha) * dy;
    case ActivationKind::tanh:
      return (1 - y * y) * dy;
    case ActivationKind::sigmoid:
      return y * (1 - y) * dy;
  }
  fail(ErrorKind::internal, "reference: unknown activation");
}

double apply(const ElementwiseProgram::Instruction& instruction, double a, double b, double c) {
  const ClampAttr& limits = instruction.clamp;
  switch (instruction.op) {
    case Op::neg:
      return -a;
    case Op::abs:
      return std::fabs(a);
    case Op::sign:
      return a > 0 ? 1 : a < 0 ? -1 : a;
    case Op::exp:
      return std::exp(a);
    case Op::log:
      return std::log(a);
    case Op::sqrt:
      return std::sqrt(a);
    case Op::rsqrt:
      return 1 / std::sqrt(a);
    case Op::softplus:
      return std::max(a, 0.0) + std::log1p(std::exp(-std::fabs(a)));
    case Op::clamp:
      return a < limits.lo ? limits.lo : a > limits.hi ? limits.hi : a;
    case Op::activation:
      return activate(instruction.activation, a);
    case Op::activation_grad:
      return activate_grad(instruction.activation, a, b);
    case Op::add:
      return a + b;
    case Op::sub:
      return a - b;
    case Op::mul:
      return a * b;
    case Op::div:
      return a / b;
    case Op::maximum:
      return a >= b || std::isnan(a) ? a : b;
    case Op::minimum:
      return a <= b || std::isnan(a) ? a : b;
    case Op::greater:
      return a > b;
    case Op::greater_equal:
      return a >= b;
    case Op::equal:
      return a == b;
    case Op::where:
      return a != 0 ? b : c;
    case Op::cast:
      return a;
    default:
      fail(ErrorKind::internal, "reference: {} is not elementwise", name_of(instruction.op));
  }
}

void elementwise(const Call& call) {
  const ElementwiseProgram program = program_of(call.node);
  const size_t inputs = call.in.size();
  Shape shape = call.out[0].shape();
  for (const Array& input : call.in) shape = broadcast(shape, input.shape());

  // Operands and results are found through tables of offsets, so that a program may have any number of them.
  const auto offsets_of = [&](const Array& array) {
    std::vector<int64_t> offsets(static_cast<size_t>(shape.numel()));
    walk<1>(shape, {broadcast_strides(array.shape(), shape)},
            [&](int64_t i, const auto& at) { offsets[static_cast<size_t>(i)] = at[0]; });
    return offsets;
  };
  std::vector<std::vector<int64_t>> read, write;
  for (const Array& input : call.in) read.push_back(offsets_of(input));
  for (const Array& output : call.out) write.push_back(offsets_of(output));

  std::vector<double> values(inputs + program.code.size());
  const auto operand = [&](int i) { return i < 0 ? 0 : values[static_cast<size_t>(i)]; };
  for (size_t i = 0; i < static_cast<size_t>(shape.numel()); ++i) {
    for (size_t k = 0; k < inputs; ++k) values[k] = call.in[k].get(read[k][i]);
    for (size_t j = 0; j < program.code.size(); ++j) {
      const auto& code = program.code[j];
      const auto& from = code.operands;
      values[inputs + j] = apply(code, operand(from[0]), operand(from[1]), operand(from[2]));
    }
    for (size_t k = 0; k < call.out.size(); ++k)
      call.out[k].set(write[k][i], values[inputs + static_cast<size_t>(program.outputs[k])]);
  }
}

}  // namespace agon::reference
