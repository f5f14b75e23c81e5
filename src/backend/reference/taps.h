#pragma once
#include "agon/graph.h"

namespace agon::reference {

/// The three spatial extents of [N, spatial.., C] or [K, spatial.., C]; missing ones are 1.
inline std::array<int64_t, 3> spatial(const Shape& shape) {
  std::array<int64_t, 3> extents{1, 1, 1};
  for (int i = 0; i + 2 < shape.rank(); ++i) extents[static_cast<size_t>(i)] = shape[i + 1];
  return extents;
}

/// The pixels of one image.
inline int64_t pixels(const Shape& shape) {
  const auto e = spatial(shape);
  return e[0] * e[1] * e[2];
}

/// Calls f(input pixel, output pixel, tap) for every place where a window's tap meets the image; places in
/// the padding are left out. All three are flat row-major indices; output pixels come in order, the taps of
/// each in order.
template <class F>
void for_each_tap(const Window& window, const std::array<int64_t, 3>& in, const std::array<int64_t, 3>& out,
                  const std::array<int64_t, 3>& kernel, F&& f) {
  // The input coordinate along `axis`, or -1 in the padding.
  const auto source = [&](size_t axis, int64_t o, int64_t k) {
    const int64_t i = o * window.stride[axis] - window.pad_lo[axis] + k * window.dilation[axis];
    return i < in[axis] ? i : -1;
  };
  for (int64_t o = 0; o < out[0] * out[1] * out[2]; ++o) {
    const int64_t o0 = o / (out[1] * out[2]), o1 = o / out[2] % out[1], o2 = o % out[2];
    for (int64_t k0 = 0; k0 < kernel[0]; ++k0) {
      const int64_t i0 = source(0, o0, k0);
      if (i0 < 0) continue;
      for (int64_t k1 = 0; k1 < kernel[1]; ++k1) {
        const int64_t i1 = source(1, o1, k1);
        if (i1 < 0) continue;
        for (int64_t k2 = 0; k2 < kernel[2]; ++k2) {
          const int64_t i2 = source(2, o2, k2);
          if (i2 >= 0) f((i0 * in[1] + i1) * in[2] + i2, o, (k0 * kernel[1] + k1) * kernel[2] + k2);
        }
      }
    }
  }
}

}  // namespace agon::reference
