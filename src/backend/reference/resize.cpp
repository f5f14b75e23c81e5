#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/kernels.h"

namespace agon::reference {
namespace {

/// The two source pixels along one axis and the weight of the second.
struct Source {
  int64_t first, second;
  double weight;
};

/// torch.nn.functional.interpolate: bilinear_half_pixel is align_corners=False, nearest is "nearest".
/// Asymmetric sampling is half-pixel sampling without the half pixel (TensorFlow 1).
std::vector<Source> sources(ResizeMode mode, int64_t in, int64_t out) {
  std::vector<Source> result;
  const double ratio = static_cast<double>(in) / static_cast<double>(out);
  for (int64_t o = 0; o < out; ++o) {
    if (mode == ResizeMode::nearest) {
      result.push_back({o * in / out, o * in / out, 0});
      continue;
    }
    const auto to = static_cast<double>(o);
    double at = to * ratio;
    if (mode == ResizeMode::bilinear_half_pixel) at = std::max(0.0, (to + 0.5) * ratio - 0.5);
    if (mode == ResizeMode::bilinear_align_corners)
      at = out == 1 ? 0 : to * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    const auto first = std::min(static_cast<int64_t>(at), in - 1);
    result.push_back({first, std::min(first + 1, in - 1), at - static_cast<double>(first)});
  }
  return result;
}

}  // namespace

void resize(const Call& call) {
  const bool forward = call.node.op == Op::resize;
  const Array& x = forward ? call.in[0] : call.out[0];
  const Array& y = forward ? call.out[0] : call.in[0];
  const Shape &sx = x.shape(), &sy = y.shape();
  const auto mode = call.attr<ResizeAttr>().mode;
  const auto rows = sources(mode, sx[1], sy[1]), columns = sources(mode, sx[2], sy[2]);
  const int64_t channels = sx[3];

  std::fill_n(call.out[0].f64(), call.out[0].numel(), 0.0);
  double* result = y.f64();
  for (int64_t n = 0; n < sx[0]; ++n) {
    double* image = x.f64() + n * sx[1] * sx[2] * channels;
    for (const Source& row : rows)
      for (const Source& column : columns) {
        const auto blend = [&](int64_t r, int64_t c, double weight) {
          double* pixel = image + (r * sx[2] + c) * channels;
          for (int64_t i = 0; i < channels; ++i)
            if (forward)
              result[i] += weight * pixel[i];
            else
              pixel[i] += weight * result[i];
        };
        blend(row.first, column.first, (1 - row.weight) * (1 - column.weight));
        blend(row.first, column.second, (1 - row.weight) * column.weight);
        blend(row.second, column.first, row.weight * (1 - column.weight));
        blend(row.second, column.second, row.weight * column.weight);
        result += channels;
      }
  }
}

}  // namespace agon::reference
