#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agon::bench {

/// One 2-D convolution, written as `mb64ic128ih32iw32oc256kh4kw4sh2sw2ph1pw1`: batch, input channels and
/// extents, output channels, kernel, stride, symmetric padding. A part left out keeps its default.
struct ConvProblem {
  int64_t mb = 1, ic = 1, ih = 1, iw = 1, oc = 1, kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0;

  int64_t oh() const { return (ih + 2 * ph - kh) / sh + 1; }
  int64_t ow() const { return (iw + 2 * pw - kw) / sw + 1; }
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

/// A convolution of a preset, and how often one training iteration runs each pass of it.
struct LayerPasses {
  std::string name;
  ConvProblem problem;
  int forward = 0, backward_data = 0, backward_weights = 0;
};

/// The convolutions of one iteration (generator forward; discriminator's move on real and fake; generator's
/// move) of a DCGAN whose discriminator has `widths` channels per halving of `image` pixels. A layer of the
/// generator is the mirrored convolution with forward and backward data exchanged.
std::vector<LayerPasses> dcgan_passes(int64_t batch, int64_t latent, int64_t image,
                                      const std::vector<int64_t>& widths);

}  // namespace agon::bench
