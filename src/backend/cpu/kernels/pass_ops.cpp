#include "backend/cpu/kernels/pass_ops.h"

#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

/// The loop over two captureless lambdas; `second` takes (result of first, x2, alpha).
template <class First, class Second>
PassOp loop(First, Second) {
  return
      [](const float* x0, const float* x1, const float* x2, const float*, int64_t n, float alpha, float* y) {
        vectorize([=] {
#pragma GCC ivdep
          for (int64_t i = 0; i < n; ++i) y[i] = Second{}(First{}(x0[i], x1[i]), x2[i], alpha);
        });
      };
}

template <class First>
PassOp followed_by(First first, const ElementwiseProgram::Instruction& second, int position) {
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

PassOp pair_op(const ElementwiseProgram::Instruction& first, const ElementwiseProgram::Instruction& second,
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

PassOp lerp_op() {
  return [](const float* x0, const float* x1, const float* x2, const float* x3, int64_t n, float, float* y) {
    vectorize([=] {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) y[i] = (x0[i] - x1[i]) * x2[i] + x3[i];
    });
  };
}

}  // namespace agon::cpu
