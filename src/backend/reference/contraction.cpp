#include <algorithm>

#include "backend/reference/kernels.h"
#include "backend/reference/taps.h"

namespace agon::reference {

void matmul(const Call& call) {
  const auto [ta, tb] = call.attr<MatmulAttr>();
  const Shape &sa = call.in[0].shape(), &sy = call.out[0].shape();
  const int64_t batch = sy.rank() == 3 ? sy[0] : 1, m = sy[-2], n = sy[-1], depth = sa[ta ? -2 : -1];
  for (int64_t i = 0; i < batch; ++i) {
    const double* a = call.in[0].f64() + i * m * depth;
    const double* b = call.in[1].f64() + i * depth * n;
    double* y = call.out[0].f64() + i * m * n;
    for (int64_t row = 0; row < m; ++row)
      for (int64_t column = 0; column < n; ++column) {
        double sum = 0;
        for (int64_t k = 0; k < depth; ++k)
          sum += a[ta ? k * m + row : row * depth + k] * b[tb ? column * depth + k : k * n + column];
        y[row * n + column] = sum;
      }
  }
}

/// conv, conv_input_grad and conv_weight_grad are one sum of x * w * y over the same index set; they differ
/// in which of the three is summed into.
void convolution(const Call& call) {
  const Op op = call.node.op;
  const auto& window = call.attr<Window>();
  const Array& x = op == Op::conv_input_grad ? call.out[0] : call.in[0];
  const Array& w = op == Op::conv_weight_grad ? call.out[0] : call.in[1];
  const Array& y = op == Op::conv ? call.out[0] : call.in[op == Op::conv_weight_grad ? 1 : 0];
  const int64_t channels = w.shape()[-1], per_group = y.shape()[-1] / window.groups;
  const int64_t taps = pixels(w.shape());

  std::fill_n(call.out[0].f64(), call.out[0].numel(), 0.0);
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    double* image = x.f64() + n * pixels(x.shape()) * x.shape()[-1];
    double* result = y.f64() + n * pixels(y.shape()) * y.shape()[-1];
    for_each_tap(window, spatial(x.shape()), spatial(y.shape()), spatial(w.shape()),
                 [&](int64_t i, int64_t o, int64_t tap) {
                   for (int64_t k = 0; k < y.shape()[-1]; ++k) {
                     double* xs = image + i * x.shape()[-1] + k / per_group * channels;
                     double* ws = w.f64() + (k * taps + tap) * channels;
                     double& out = result[o * y.shape()[-1] + k];
                     double sum = 0;
                     if (op == Op::conv)
                       for (int64_t c = 0; c < channels; ++c) sum += xs[c] * ws[c];
                     else if (op == Op::conv_input_grad)
                       for (int64_t c = 0; c < channels; ++c) xs[c] += out * ws[c];
                     else
                       for (int64_t c = 0; c < channels; ++c) ws[c] += xs[c] * out;
                     if (op == Op::conv) out += sum;
                   }
                 });
  }
}

}  // namespace agon::reference
