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

namespace {

/// x as [samples, rows, channels], normalised over the rows; a layer norm has one channel.
struct Samples {
  bool layer;
  int64_t channels, rows, groups;  ///< groups: of (sample, channel)

  explicit Samples(const Call& call) {
    const Shape& x = call.in[0].shape();
    layer = call.attr<SampleNormAttr>().kind == SampleNormKind::layer;
    channels = layer ? 1 : x[-1];
    groups = x[0] * channels;
    rows = x.numel() / groups;
  }
  int64_t element(int64_t group, int64_t row) const {
    return (group / channels * rows + row) * channels + group % channels;
  }
  /// The place in gamma and beta.
  int64_t affine(int64_t group, int64_t row) const { return layer ? row : group % channels; }
};

}  // namespace

void sample_norm(const Call& call) {
  const Samples s(call);
  const double* x = call.in[0].f64();
  double *y = call.out[0].f64(), *mean = call.out[1].f64(), *inv_std = call.out[2].f64();
  const auto rows = static_cast<double>(s.rows);
  for (int64_t k = 0; k < s.groups; ++k) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < s.rows; ++r) sum += x[s.element(k, r)];
    mean[k] = sum / rows;
    for (int64_t r = 0; r < s.rows; ++r) squares += std::pow(x[s.element(k, r)] - mean[k], 2);
    inv_std[k] = 1 / std::sqrt(squares / rows + call.attr<SampleNormAttr>().eps);
    for (int64_t r = 0; r < s.rows; ++r) {
      double& to = y[s.element(k, r)];
      to = (x[s.element(k, r)] - mean[k]) * inv_std[k];
      if (call.in.size() > 1) to = to * call.in[1].f64()[s.affine(k, r)] + call.in[2].f64()[s.affine(k, r)];
    }
  }
}

/// h = (x - mean) * inv_std; g = dy * gamma; dx = inv_std * (g - mean of g - h * mean of g h);
/// dgamma = sum dy h; dbeta = sum dy.
void sample_norm_grad(const Call& call) {
  const Samples s(call);
  const double *x = call.in[0].f64(), *mean = call.in[1].f64(), *inv_std = call.in[2].f64(),
               *dy = call.in[3].f64();
  const bool affine = call.in.size() > 4;
  for (size_t k = 1; k < call.out.size(); ++k) std::fill_n(call.out[k].f64(), call.out[k].numel(), 0.0);
  for (int64_t k = 0; k < s.groups; ++k) {
    const auto h = [&](int64_t r) { return (x[s.element(k, r)] - mean[k]) * inv_std[k]; };
    const auto g = [&](int64_t r) {
      return dy[s.element(k, r)] * (affine ? call.in[4].f64()[s.affine(k, r)] : 1);
    };
    double sum = 0, weighted = 0;
    for (int64_t r = 0; r < s.rows; ++r) {
      sum += g(r);
      weighted += g(r) * h(r);
      if (!affine) continue;
      call.out[1].f64()[s.affine(k, r)] += dy[s.element(k, r)] * h(r);
      call.out[2].f64()[s.affine(k, r)] += dy[s.element(k, r)];
    }
    const auto rows = static_cast<double>(s.rows);
    for (int64_t r = 0; r < s.rows; ++r)
      call.out[0].f64()[s.element(k, r)] = inv_std[k] * (g(r) - sum / rows - h(r) * weighted / rows);
  }
}

void spectral_norm(const Call& call) {
  const auto& [eps, iterate] = call.attr<SpectralNormAttr>();
  const double *w = call.in[0].f64(), *u = call.in[1].f64();
  double *y = call.out[0].f64(), *sigma = call.out[1].f64(), *new_u = call.out[2].f64(),
         *v = call.out[3].f64();
  const int64_t rows = call.in[1].numel(), columns = call.in[0].numel() / rows;
  const auto normalise = [least = eps](double* x, int64_t n) {
    double square = 0;
    for (int64_t i = 0; i < n; ++i) square += x[i] * x[i];
    for (int64_t i = 0; i < n; ++i) x[i] /= std::max(std::sqrt(square), least);
  };
  for (int64_t c = 0; c < columns; ++c) {
    v[c] = 0;
    for (int64_t r = 0; r < rows; ++r) v[c] += u[r] * w[r * columns + c];
  }
  normalise(v, columns);
  std::vector<double> product(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) product[static_cast<size_t>(r)] += w[r * columns + c] * v[c];
  std::copy_n(iterate ? product.data() : u, rows, new_u);
  if (iterate) normalise(new_u, rows);
  *sigma = 0;
  for (int64_t r = 0; r < rows; ++r) *sigma += new_u[r] * product[static_cast<size_t>(r)];
  for (int64_t i = 0; i < rows * columns; ++i) y[i] = w[i] / *sigma;
}

}  // namespace agon::reference
