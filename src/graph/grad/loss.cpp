#include "graph/grad/vjp.h"

namespace agon::autodiff {
namespace {

/// 1 where a hinge slopes, else 0.
Value slope_mask(Value x, Value t) {
  return greater(1.0 - t * x, x.graph().constant(0));
}

/// The Hessian of the terms by x applied to `a`, for scale 1; invalid where it is 0.
Value curvature(LossKind kind, Value x, Value a) {
  switch (kind) {
    case LossKind::bce_with_logits: {
      const Value p = sigmoid(x);
      return a * (p * (1.0 - p));
    }
    case LossKind::least_squares:
      return a;
    case LossKind::softmax_cross_entropy: {
      const Value p = softmax(x);
      return p * (a - reduce_sum(a * p, {1}));
    }
    default:
      return {};
  }
}

/// What the cotangents of value (`dv`) and gradient (`a`), either may be invalid, give the target tensor.
Value to_target(const Rule& r, const LossAttr& loss, Value dv, Value a) {
  const Value x = r.in(0), t = r.in(1), slope = r.out(1);
  Value sum;
  const auto also = [&](Value part) { sum = sum.valid() ? sum + part : part; };
  switch (loss.kind) {
    case LossKind::bce_with_logits: {
      const double by = -loss.scale * (1 - loss.smoothing);
      if (dv.valid()) also(dv * x * by);
      if (a.valid()) also(a * by);
      return sum;
    }
    case LossKind::least_squares:
      if (dv.valid()) also(-(dv * slope));
      if (a.valid()) also(a * -loss.scale);
      return sum;
    case LossKind::hinge: {
      const Value mask = slope_mask(x, t);
      if (dv.valid()) also(dv * x * mask * -loss.scale);
      if (a.valid()) also(a * mask * -loss.scale);
      return sum;
    }
    case LossKind::wasserstein:
      if (dv.valid()) also(dv * x * -loss.scale);
      if (a.valid()) also(a * -loss.scale);
      return sum;
    case LossKind::l1:
      return dv.valid() ? -(dv * slope) : sum;
    case LossKind::softmax_cross_entropy:
      break;
  }
  fail(ErrorKind::internal, "grad: labels have no derivative");
}

}  // namespace

void loss(Rule& r) {
  const auto attr = r.attr<LossAttr>();
  const Value dv = r.has(0) ? r.d(0) : Value{}, a = r.has(1) ? r.d(1) : Value{};
  if (r.wants(0)) {
    Value dx = dv.valid() ? dv * r.out(1) : Value{};
    if (a.valid())
      if (Value second = curvature(attr.kind, r.in(0), a); second.valid()) {
        second = second * attr.scale;
        dx = dx.valid() ? dx + second : second;
      }
    if (dx.valid()) r.give(0, dx);
  }
  if (r.arity() == 2 && r.wants(1))
    if (const Value dt = to_target(r, attr, dv, a); dt.valid()) r.give(1, dt);
}

/// With n = |g| of each sample: norms' = g / n, grad = 2 w g (unit_norm: times (n - 1) / n), all 0 at n = 0.
void gradient_penalty(Rule& r) {
  const auto attr = r.attr<PenaltyAttr>();
  const Value g = r.in(0);
  const double factor = 2 * attr.weight / static_cast<double>(g.shape()[0]);
  Shape per_sample{g.shape()[0]};
  std::vector<int> axes;
  for (int i = 1; i < g.shape().rank(); ++i) {
    per_sample.push_back(1);
    axes.push_back(i);
  }
  const auto column = [&](Value v) { return reshape(v, per_sample); };
  Value dg;
  const auto also = [&](Value part) { dg = dg.valid() ? dg + part : part; };
  if (r.has(0)) also(r.d(0) * r.out(1));
  if (r.has(1) && attr.kind == PenaltyKind::zero_norm) also(r.d(1) * factor);
  const bool curved = r.has(1) && attr.kind == PenaltyKind::unit_norm;
  if (curved || r.has(2)) {
    const Value n = column(r.out(2)), zero = r.graph().constant(0), one = r.graph().constant(1);
    const Value positive = greater(n, zero);
    const Value inverse = where(positive, 1.0 / where(positive, n, one), zero);
    if (r.has(2)) also(g * (column(r.d(2)) * inverse));
    if (curved) {
      // d/dg (1 - 1/n) g = (1 - 1/n) + g g^T / n^3
      const Value a = r.d(1), along = reduce_sum(a * g, axes) * (inverse * inverse * inverse);
      also((a * ((n - 1.0) * inverse) + g * along) * factor);
    }
  }
  r.give(0, dg);
}

}  // namespace agon::autodiff
