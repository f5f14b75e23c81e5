#pragma once
#include "backend/cpu/kernels/blocked_conv.h"

namespace agon::cpu {

/// Calls take(tap, pixel of x) for the taps of the window at `pixel` of y that do not lie in the padding.
template <class F>
void for_each_forward_tap(const BlockedConv& p, int64_t pixel, const F& take) {
  const int64_t y = pixel / p.out_width * p.stride_h - p.pad_top,
                x = pixel % p.out_width * p.stride_w - p.pad_left;
  for (int64_t ky = 0; ky < p.kernel_h; ++ky)
    for (int64_t kx = 0; kx < p.kernel_w; ++kx)
      if (y + ky >= 0 && y + ky < p.height && x + kx >= 0 && x + kx < p.width)
        take(ky * p.kernel_w + kx, (y + ky) * p.width + x + kx);
}

/// Calls take(tap, pixel of y) for the windows that hold `pixel` of x.
template <class F>
void for_each_input_grad_tap(const BlockedConv& p, int64_t pixel, const F& take) {
  const int64_t y = pixel / p.width + p.pad_top, x = pixel % p.width + p.pad_left;
  for (int64_t ky = 0; ky < p.kernel_h; ++ky)
    for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
      const int64_t oy = y - ky, ox = x - kx;
      if (oy < 0 || oy % p.stride_h != 0 || oy / p.stride_h >= p.out_height) continue;
      if (ox < 0 || ox % p.stride_w != 0 || ox / p.stride_w >= p.out_width) continue;
      take(ky * p.kernel_w + kx, oy / p.stride_h * p.out_width + ox / p.stride_w);
    }
}

}  // namespace agon::cpu
