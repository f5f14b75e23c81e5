#include "backend/cpu/kernels/pair_ops.h"

#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

/// The loop over two captureless lambdas; `second` takes (result of first, x2, alpha).
template <class First, class Second>
PairOp loop(First, Second) {
  return [](const float* x0, const float* x1, const float* x2, int64_t n, float alpha, float* y) {
    vectorize([=] {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) y[i] = Second{}(First{}(x0[i], x1[i]), x2[i], alpha);
    });
  };
}

template <class First>
PairOp followed_by(First first, const ElementwiseProgram::Instruction& second, int position) {
  switch (second.op) {
    case Op::add:
      return loop(first, [](float t, float x, float) { return t + x; });
    case Op::mul:
      return loop(first, [](float t, float x, float) { return t * x; });
    case Op::sub:
      if (position == 0) return loop(first, [](float t, float x, float) { return t - x; });
      return loop(first, [](float t, float x, float) { return x - t; });
    case Op::activation:
      if (second.activation.kind == ActivationKind::relu)
        return loop(first, [](float t, float, float) { return t > 0 ? t : 0.0f; });
      if (second.activation.kind == ActivationKind::leaky_relu)
        return loop(first, [](float t, float, float alpha) {
          const float scaled = t * alpha;
          return t > 0 ? t : scaled;
        });
      return nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

PairOp pair_op(const ElementwiseProgram::Instruction& first, const ElementwiseProgram::Instruction& second,
               int position) {
  switch (first.op) {
    case Op::add:
      return followed_by([](float a, float b) { return a + b; }, second, position);
    case Op::sub:
      return followed_by([](float a, float b) { return a - b; }, second, position);
    case Op::mul:
      return followed_by([](float a, float b) { return a * b; }, second, position);
    default:
      return nullptr;
  }
}

}  // namespace agon::cpu
