#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/reference/kernels.h"
#include "backend/reference/taps.h"

namespace agon::reference {

void average_pool(const Call& call) {
  const bool forward = call.node.op == Op::avg_pool;
  const auto& window = call.attr<Window>();
  const Array& x = forward ? call.in[0] : call.out[0];
  const Array& y = forward ? call.out[0] : call.in[0];
  const auto in = spatial(x.shape()), out = spatial(y.shape());
  const int64_t channels = x.shape()[-1];
  const auto& k = window.kernel;

  std::vector<double> counts(static_cast<size_t>(pixels(y.shape())),
                             window.count_include_pad ? static_cast<double>(k[0] * k[1] * k[2]) : 0.0);
  if (!window.count_include_pad)
    for_each_tap(window, in, out, k, [&](int64_t, int64_t o, int64_t) { ++counts[static_cast<size_t>(o)]; });

  std::fill_n(call.out[0].f64(), call.out[0].numel(), 0.0);
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    double* image = x.f64() + n * pixels(x.shape()) * channels;
    double* result = y.f64() + n * pixels(y.shape()) * channels;
    for_each_tap(window, in, out, k, [&](int64_t i, int64_t o, int64_t) {
      const double share = 1 / counts[static_cast<size_t>(o)];
      for (int64_t c = 0; c < channels; ++c) {
        double &outer = result[o * channels + c], &inner = image[i * channels + c];
        if (forward)
          outer += inner * share;
        else
          inner += outer * share;
      }
    });
  }
}

namespace {

void forward(const Window& window, const Array& x, const Array& y, const Array& index) {
  const int64_t channels = x.shape()[-1];
  std::fill_n(y.f64(), y.numel(), -std::numeric_limits<double>::infinity());
  std::fill_n(index.i32(), index.numel(), -1);
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    const double* image = x.f64() + n * pixels(x.shape()) * channels;
    const int64_t first = n * pixels(y.shape()) * channels;
    for_each_tap(window, spatial(x.shape()), spatial(y.shape()), window.kernel,
                 [&](int64_t i, int64_t o, int64_t) {
                   for (int64_t c = 0; c < channels; ++c) {
                     double& best = y.f64()[first + o * channels + c];
                     int32_t& where = index.i32()[first + o * channels + c];
                     const double value = image[i * channels + c];
                     if (where >= 0 && !(value > best || std::isnan(value))) continue;
                     best = value;
                     where = static_cast<int32_t>(i);
                   }
                 });
  }
}

}  // namespace

void maximum_pool(const Call& call) {
  if (call.node.op == Op::max_pool) return forward(call.attr<Window>(), call.in[0], call.out[0], call.out[1]);
  // Both others pair pixel index[o] of an image with pixel o of the pooled one.
  const bool scatter = call.node.op == Op::max_pool_grad;
  const Array& index = call.in[1];
  const Array& image = scatter ? call.out[0] : call.in[0];
  const Array& pooled = scatter ? call.in[0] : call.out[0];
  const int64_t channels = image.shape()[-1], per_image = pixels(pooled.shape()) * channels;
  std::fill_n(call.out[0].f64(), call.out[0].numel(), 0.0);
  for (int64_t i = 0; i < index.numel(); ++i) {
    const int64_t n = i / per_image, pixel = n * pixels(image.shape()) + index.i32()[i];
    double& at = image.f64()[pixel * channels + i % channels];
    if (scatter)
      at += pooled.f64()[i];
    else
      pooled.f64()[i] = at;
  }
}

}  // namespace agon::reference
