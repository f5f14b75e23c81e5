#include <algorithm>

#include "backend/reference/kernels.h"

namespace agon::reference {
namespace {

/// log(1 + e^x) without overflow.
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

/// One element's term and its derivative by x.
struct Term {
  double value, slope;
};

Term term(const LossAttr& loss, double x, double t) {
  switch (loss.kind) {
    case LossKind::bce_with_logits:
      t = t * (1 - loss.smoothing) + loss.smoothing / 2;
      return {t * softplus(-x) + (1 - t) * softplus(x), (1 - t) / (1 + std::exp(-x)) - t / (1 + std::exp(x))};
    case LossKind::least_squares:
      return {(x - t) * (x - t) / 2, x - t};
    case LossKind::hinge:
      return {std::max(0.0, 1 - t * x), 1 - t * x > 0 ? -t : 0};
    case LossKind::wasserstein:
      return {-t * x, -t};
    case LossKind::l1:
      return {std::abs(x - t), static_cast<double>((x > t) - (x < t))};
    case LossKind::softmax_cross_entropy:
      break;
  }
  fail(ErrorKind::internal, "reference: cross-entropy is a loss of rows");
}

void cross_entropy(const Call& call) {
  const auto& loss = call.attr<LossAttr>();
  const int64_t classes = call.in[0].shape()[1];
  double total = 0;
  for (int64_t row = 0; row < call.in[0].shape()[0]; ++row) {
    const double* x = call.in[0].f64() + row * classes;
    double* grad = call.out[1].f64() + row * classes;
    const double top = *std::max_element(x, x + classes);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(x[c] - top);
    for (int64_t c = 0; c < classes; ++c) {
      const double t = (c == call.in[1].i32()[row] ? 1 - loss.smoothing : 0) +
                       loss.smoothing / static_cast<double>(classes);
      const double log_p = x[c] - top - std::log(sum);
      total -= t * log_p;
      grad[c] = loss.scale * (std::exp(log_p) - t);
    }
  }
  call.out[0].f64()[0] = loss.scale * total;
}

}  // namespace

void loss(const Call& call) {
  const auto& loss = call.attr<LossAttr>();
  if (loss.kind == LossKind::softmax_cross_entropy) return cross_entropy(call);
  double total = 0;
  for (int64_t i = 0; i < call.in[0].numel(); ++i) {
    const double t = call.in.size() > 1 ? call.in[1].f64()[i] : loss.target;
    const Term of = term(loss, call.in[0].f64()[i], t);
    total += of.value;
    call.out[1].f64()[i] = loss.scale * of.slope;
  }
  call.out[0].f64()[0] = loss.scale * total;
}

void gradient_penalty(const Call& call) {
  const auto& [kind, weight] = call.attr<PenaltyAttr>();
  const int64_t samples = call.in[0].shape()[0], size = call.in[0].numel() / samples;
  const double share = weight / static_cast<double>(samples);
  double total = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const double* g = call.in[0].f64() + n * size;
    double* grad = call.out[1].f64() + n * size;
    double square = 0;
    for (int64_t i = 0; i < size; ++i) square += g[i] * g[i];
    const double norm = std::sqrt(square);
    const bool unit = kind == PenaltyKind::unit_norm;
    const double factor = !unit ? 2 * share : norm > 0 ? 2 * share * (norm - 1) / norm : 0;
    for (int64_t i = 0; i < size; ++i) grad[i] = factor * g[i];
    total += unit ? (norm - 1) * (norm - 1) : square;
    call.out[2].f64()[n] = norm;
  }
  call.out[0].f64()[0] = share * total;
}

}  // namespace agon::reference
