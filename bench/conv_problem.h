#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace agon::bench {

/// One 2-D convolution, written as `mb64ic128ih32iw32oc256kh4kw4sh2sw2ph1pw1`: batch, input channels and
/// extents, output channels, kernel, stride, padding. A part left out keeps its default; without output
/// extents
/// (`oh`, `ow`) the padding is the same at both ends.
struct ConvProblem {
  int64_t mb = 1, ic = 1, ih = 1, iw = 1, oc = 1, kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0;
  int64_t out_h = 0, out_w = 0;  ///< 0: as the padding at both ends makes them

  int64_t oh() const { return out_h > 0 ? out_h : (ih + 2 * ph - kh) / sh + 1; }
  int64_t ow() const { return out_w > 0 ? out_w : (iw + 2 * pw - kw) / sw + 1; }
  /// Padding at the far ends.
  int64_t far_h() const { return (oh() - 1) * sh + kh - ih - ph; }
  int64_t far_w() const { return (ow() - 1) * sw + kw - iw - pw; }
  int64_t src_size() const { return mb * ic * ih * iw; }
  int64_t dst_size() const { return mb * oc * oh() * ow(); }
  int64_t weights_size() const { return oc * ic * kh * kw; }
  /// Of a direct convolution, taps in the padding counted: 2 per multiply-add.
  double flops() const { return 2.0 * static_cast<double>(dst_size() * ic * kh * kw); }
  std::string str() const;
};

/// Throws Error(usage) naming the part that is not understood.
ConvProblem parse_conv_problem(std::string_view text);

/// What a convolution is asked for.
enum class ConvPass { forward, backward_data, backward_weights };
std::string_view name_of(ConvPass pass);

}  // namespace agon::bench
