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

/// d y / d x^T v for the normalised x: what sample_norm_grad makes of v without gamma.
Value project(Rule& r, Value x, Value mean, Value inv_std, Value v) {
  return r.graph().append(Op::sample_norm_grad, {x, mean, inv_std, v}, r.attr<SampleNormAttr>());
}

std::vector<int> reduced_axes(const Shape& statistics) {
  std::vector<int> axes;
  for (int i = 1; i < statistics.rank(); ++i)
    if (statistics[i] == 1) axes.push_back(i);
  return axes;
}

void sample_norm_rule(Rule& r) {
  Graph& g = r.graph();
  Value x = r.in(0), mean = r.out(1), inv_std = r.out(2);
  const auto rows = static_cast<double>(x.shape().numel() / mean.shape().numel());
  Value dx;
  if (r.has(0)) {
    std::vector<Value> operands{x, mean, inv_std, r.d(0)};
    if (r.arity() > 1) operands.push_back(r.in(1));
    dx = g.append(Op::sample_norm_grad, operands, r.attr<SampleNormAttr>());
    for (int i = 1; i < static_cast<int>(r.arity()); ++i)
      if (r.wants(i)) r.give(i, g.port(dx, i));
  }
  auto also = [&](Value part) { dx = dx.valid() ? dx + part : part; };
  if (r.has(1)) also(broadcast_to(r.d(1) / rows, x.shape()));
  if (r.has(2)) also((x - mean) * (inv_std * inv_std * inv_std * r.d(2) * (-1.0 / rows)));
  if (r.wants(0)) r.give(0, dx);
}

/// With h = (x - mean) inv_std, g = dy gamma and means over what is normalised,
///   P(v) = inv_std (v - mean(v) - h mean(v h)), dx = P(g), dgamma = sum dy h, dbeta = sum dy.
/// P is symmetric, and the derivative of h by x. The cotangents a, b, c of the results give
///   dy: gamma P(a) + h b + c
///   x:  P(dy b - inv_std (a mean(g h) + g mean(a h))) - inv_std h mean(a dx)
void sample_norm_grad_rule(Rule& r) {
  Value x = r.in(0), mean = r.in(1), inv_std = r.in(2), dy = r.in(3);
  const bool affine = r.arity() > 4;
  const auto axes = reduced_axes(mean.shape());
  Value h = (x - mean) * inv_std;
  auto also = [](Value& sum, Value part) { sum = sum.valid() ? sum + part : part; };
  Value to_dy, to_h, to_x;
  if (r.has(0)) {
    Value a = r.d(0), g = affine ? dy * r.in(4) : dy, turned = project(r, x, mean, inv_std, a);
    to_dy = affine ? turned * r.in(4) : turned;
    if (affine && r.wants(4)) r.give(4, dy * turned);
    if (r.wants(0)) {
      // The factor last: what is small is then nothing but sums, which mixed precision keeps in f32.
      const double share =
          -static_cast<double>(mean.shape().numel()) / static_cast<double>(x.shape().numel());
      to_h = (a * reduce_sum(g * h, axes) + g * reduce_sum(a * h, axes)) * inv_std * share;
      to_x = h * inv_std * reduce_sum(a * r.out(0), axes) * share;
    }
  }
  if (affine && r.has(1)) {
    also(to_dy, h * r.d(1));
    also(to_h, dy * r.d(1));
  }
  if (affine && r.has(2)) also(to_dy, broadcast_to(r.d(2), x.shape()));
  if (to_h.valid()) also(to_x, project(r, x, mean, inv_std, to_h));
  if (r.wants(3)) r.give(3, to_dy);
  if (r.wants(0) && to_x.valid()) r.give(0, to_x);
}

/// y = w / sigma, sigma = u'^T w v.
void spectral_norm_rule(Rule& r) {
  if (!r.wants(0) || !(r.has(0) || r.has(1))) return;
  const Shape w = r.in(0).shape();
  Shape column = w, row = w;
  for (int i = 1; i < w.rank(); ++i) column[i] = 1;
  row[0] = 1;
  Value y = r.out(0), sigma = r.out(1), to_sigma = r.d(1);
  if (r.has(0)) to_sigma = to_sigma - sum(r.d(0) * y) / sigma;
  Value to_w = reshape(stop_gradient(r.out(2)), column) * reshape(stop_gradient(r.out(3)), row) * to_sigma;
  r.give(0, r.has(0) ? r.d(0) / sigma + to_w : to_w);
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
    case Op::sample_norm:
      return sample_norm_rule(r);
    case Op::sample_norm_grad:
      return sample_norm_grad_rule(r);
    case Op::spectral_norm:
      return spectral_norm_rule(r);
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(r.op()));
  }
}

}  // namespace agon::autodiff
