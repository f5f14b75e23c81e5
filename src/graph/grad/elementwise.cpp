#include "graph/grad/vjp.h"

namespace agon::autodiff {
namespace {

/// 1 / (2 sqrt(x)) for y = sqrt(x) > 0, and 0 at 0. The inner where keeps the derivatives of the unused
/// branch finite, so that second derivatives are 0 there too instead of NaN.
Value half_over(Value y) {
  Value positive = greater(y, y.graph().constant(0));
  Value one = y.graph().constant(1), zero = y.graph().constant(0);
  return where(positive, 0.5 / where(positive, y, one), zero);
}

/// The derivative of activation_grad(y, dy) with respect to y, over dy: f'' expressed by the output, or
/// invalid if 0.
Value curvature(Value y, Activation f) {
  switch (f.kind) {
    case ActivationKind::tanh:
      return y * -2.0;
    case ActivationKind::sigmoid:
      return 1.0 - y * 2.0;
    case ActivationKind::elu: {
      Value zero = y.graph().constant(0), one = y.graph().constant(1);
      return where(greater(y, zero), zero, one);
    }
    default:
      return {};
  }
}

}  // namespace

void elementwise(Rule& r) {
  Value dy = r.d();
  auto zero = [&] { return r.graph().constant(0); };
  switch (r.op()) {
    case Op::neg:
      return r.give(0, -dy);
    case Op::abs:
      return r.give(0, dy * sign(r.in(0)));
    case Op::exp:
      return r.give(0, dy * r.out());
    case Op::log:
      return r.give(0, dy / r.in(0));
    case Op::sqrt:
      return r.give(0, dy * half_over(r.out()));
    case Op::rsqrt:
      return r.give(0, dy * (r.out() * r.out() * r.out() * -0.5));
    case Op::softplus:
      return r.give(0, dy * sigmoid(r.in(0)));
    case Op::clamp:
      return r.give(0, where(equal(r.in(0), r.out()), dy, zero()));
    case Op::activation:
      return r.give(0, activation_grad(r.out(), dy, r.attr<Activation>()));
    case Op::activation_grad: {
      const auto f = r.attr<Activation>();
      if (r.wants(1)) r.give(1, activation_grad(r.in(0), dy, f));
      if (r.wants(0))
        if (Value c = curvature(r.in(0), f); c.valid()) r.give(0, dy * r.in(1) * c);
      return;
    }
    case Op::add:
      if (r.wants(0)) r.give(0, dy);
      if (r.wants(1)) r.give(1, dy);
      return;
    case Op::sub:
      if (r.wants(0)) r.give(0, dy);
      if (r.wants(1)) r.give(1, -dy);
      return;
    case Op::mul:
      if (r.in(0) == r.in(1)) return r.give(0, dy * r.in(0) * 2.0);
      if (r.wants(0)) r.give(0, dy * r.in(1));
      if (r.wants(1)) r.give(1, dy * r.in(0));
      return;
    case Op::div:
      if (r.wants(0)) r.give(0, dy / r.in(1));
      if (r.wants(1)) r.give(1, -(dy * r.out() / r.in(1)));
      return;
    case Op::maximum:
    case Op::minimum: {
      Value first = r.op() == Op::maximum ? greater_equal(r.in(0), r.in(1)) : greater_equal(r.in(1), r.in(0));
      if (r.wants(0)) r.give(0, where(first, dy, zero()));
      if (r.wants(1)) r.give(1, where(first, zero(), dy));
      return;
    }
    case Op::where:
      if (r.wants(1)) r.give(1, where(r.in(0), dy, zero()));
      if (r.wants(2)) r.give(2, where(r.in(0), zero(), dy));
      return;
    case Op::cast:
      return r.give(0, cast(dy, r.in(0).dtype()));
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(r.op()));
  }
}

}  // namespace agon::autodiff
