#include "graph/grad/vjp.h"

namespace agon::autodiff {
namespace {

std::vector<int> all_but_last(const Shape& shape) {
  std::vector<int> axes;
  for (int i = 0; i + 1 < shape.rank(); ++i) axes.push_back(i);
  return axes;
}

void batch_norm_train_rule(Rule& r) {
  Graph& g = r.graph();
  Value x = r.in(0), gamma = r.in(1), mean = r.out(1), inv_std = r.out(2);
  const auto rows = static_cast<double>(x.shape().numel() / x.shape()[-1]);
  Value dx;
  if (r.has(0)) {
    dx = g.append(Op::batch_norm_grad, {x, gamma, mean, inv_std, r.d(0)}, r.attr<BatchNormAttr>());
    if (r.wants(1)) r.give(1, g.port(dx, 1));
    if (r.wants(2)) r.give(2, g.port(dx, 2));
  }
  // Second derivatives reach x through the saved statistics as well.
  auto also = [&](Value part) { dx = dx.valid() ? dx + part : part; };
  if (r.has(1)) also(broadcast_to(r.d(1) / rows, x.shape()));
  if (r.has(2)) also((x - mean) * (inv_std * inv_std * inv_std * r.d(2) * (-1.0 / rows)));
  if (r.wants(0)) r.give(0, dx);
}

/// (dx, dgamma, dbeta) as functions of independent (x, gamma, mean, inv_std, dy):
///   h = (x - mean) * inv_std, dbeta = sum dy, dgamma = sum dy h, dx = gamma inv_std (dy - dbeta/n - h
///   dgamma/n)
void batch_norm_grad_rule(Rule& r) {
  Value x = r.in(0), gamma = r.in(1), mean = r.in(2), inv_std = r.in(3), dy = r.in(4);
  const auto axes = all_but_last(x.shape());
  const Shape channel = gamma.shape();
  const auto n = static_cast<double>(x.shape().numel() / x.shape()[-1]);
  auto column = [&](Value v) { return reshape(reduce_sum(v, axes), channel); };

  Value h = (x - mean) * inv_std, scale = gamma * inv_std;
  Value dbeta = r.out(2), dgamma = r.out(1);
  Value a = r.d(0);  // cotangent of dx
  Value to_dy, to_h, to_scale;
  if (r.has(0)) {
    Value sum_a = column(a), sum_ah = column(a * h);
    Value inner = dy - dbeta / n - h * (dgamma / n);
    to_dy = scale * (a - sum_a / n - h * (sum_ah / n));
    to_h = -(scale * (a * (dgamma / n) + dy * (sum_ah / n)));
    to_scale = column(a * inner);
  }
  auto also = [](Value& sum, Value part) { sum = sum.valid() ? sum + part : part; };
  if (r.has(1)) {
    also(to_dy, h * r.d(1));
    also(to_h, dy * r.d(1));
  }
  if (r.has(2)) also(to_dy, broadcast_to(r.d(2), x.shape()));

  if (r.wants(4)) r.give(4, to_dy);
  if (r.wants(1) && to_scale.valid()) r.give(1, to_scale * inv_std);
  if (to_h.valid()) {
    Value to_x = to_h * inv_std;
    if (r.wants(0)) r.give(0, to_x);
    if (r.wants(2)) r.give(2, -column(to_x));
  }
  if (r.wants(3)) {
    Value to_inv;
    if (to_h.valid()) also(to_inv, column(to_h * (x - mean)));
    if (to_scale.valid()) also(to_inv, to_scale * gamma);
    if (to_inv.valid()) r.give(3, to_inv);
  }
}

}  // namespace

void normalisation(Rule& r) {
  Value dy = r.d(), y = r.out();
  switch (r.op()) {
    case Op::softmax:
      return r.give(0, y * (dy - reduce_sum(dy * y, {-1})));
    case Op::log_softmax:
      return r.give(0, dy - exp(y) * reduce_sum(dy, {-1}));
    case Op::batch_norm_train:
      return batch_norm_train_rule(r);
    case Op::batch_norm_grad:
      return batch_norm_grad_rule(r);
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(r.op()));
  }
}

}  // namespace agon::autodiff
