#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/kernels.h"

namespace agon::reference {

void softmax(const Call& call) {
  const int64_t width = call.in[0].shape()[-1];
  for (int64_t begin = 0; begin < call.in[0].numel(); begin += width) {
    const double* x = call.in[0].f64() + begin;
    double* y = call.out[0].f64() + begin;
    const double top = *std::max_element(x, x + width);
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += std::exp(x[i] - top);
    for (int64_t i = 0; i < width; ++i)
      y[i] = call.node.op == Op::softmax ? std::exp(x[i] - top) / sum : x[i] - top - std::log(sum);
  }
}

void batch_norm_train(const Call& call) {
  const auto& [eps, momentum] = call.attr<BatchNormAttr>();
  const double *x = call.in[0].f64(), *gamma = call.in[1].f64(), *beta = call.in[2].f64();
  const double *old_mean = call.in[3].f64(), *old_var = call.in[4].f64();
  double *y = call.out[0].f64(), *mean = call.out[1].f64(), *inv_std = call.out[2].f64();
  double *new_mean = call.out[3].f64(), *new_var = call.out[4].f64();
  const int64_t count = call.in[0].numel(), channels = call.in[0].shape()[-1];
  const auto rows = static_cast<double>(count / channels);

  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (int64_t i = c; i < count; i += channels) sum += x[i];
    mean[c] = sum / rows;
    for (int64_t i = c; i < count; i += channels) squares += (x[i] - mean[c]) * (x[i] - mean[c]);
    inv_std[c] = 1 / std::sqrt(squares / rows + eps);
    for (int64_t i = c; i < count; i += channels) y[i] = (x[i] - mean[c]) * inv_std[c] * gamma[c] + beta[c];
    new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c];
    new_var[c] = (1 - momentum) * old_var[c] + momentum * squares / std::max(rows - 1, 1.0);
  }
}

/// h = (x - mean) * inv_std; dbeta = sum dy; dgamma = sum dy h;
/// dx = gamma * inv_std * (dy - dbeta / n - h * dgamma / n).
void batch_norm_grad(const Call& call) {
  const double *x = call.in[0].f64(), *gamma = call.in[1].f64(), *mean = call.in[2].f64(),
               *inv_std = call.in[3].f64();
  const int64_t count = call.in[0].numel(), channels = call.in[0].shape()[-1];
  const auto rows = static_cast<double>(count / channels);
  std::vector<double> dy(call.in[4].f64(), call.in[4].f64() + count);
  if (const Activation& f = call.node.fusion.grad; f.kind != ActivationKind::identity)
    for (int64_t i = 0; i < count; ++i) {
      double& d = dy[static_cast<size_t>(i)];
      d = activate_grad(f, call.in[5].f64()[i], d);
    }
  double *dx = call.out[0].f64(), *dgamma = call.out[1].f64(), *dbeta = call.out[2].f64();
  for (int64_t c = 0; c < channels; ++c) {
    const auto h = [&](int64_t i) { return (x[i] - mean[c]) * inv_std[c]; };
    dgamma[c] = dbeta[c] = 0;
    for (int64_t i = c; i < count; i += channels) {
      dbeta[c] += dy[static_cast<size_t>(i)];
      dgamma[c] += dy[static_cast<size_t>(i)] * h(i);
    }
    for (int64_t i = c; i < count; i += channels)
      dx[i] =
          gamma[c] * inv_std[c] * (dy[static_cast<size_t>(i)] - dbeta[c] / rows - h(i) * dgamma[c] / rows);
  }
}

}  // namespace agon::reference
