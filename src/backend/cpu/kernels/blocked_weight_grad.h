#pragma once
#include <cstdint>

namespace agon::cpu {

/// A 2-D convolution whose channel counts are both multiples of 16. No groups, no dilation. Tensors are
/// nChw16c unless a function says otherwise.
struct BlockedConv {
  int64_t images = 1;
  int64_t height = 1, width = 1, channels = 16;              ///< of the input x
  int64_t out_height = 1, out_width = 1, out_channels = 16;  ///< of the output y
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;  ///< what lies beyond the other two edges follows from the extents
};

/// dweights [out_channels][kernel_h][kernel_w][channels] (KRSC) = conv_weight_grad(x, dy).
/// A register tile (8 output by 32 input channels of one tap) stays in registers over a run of images; taps
/// in the padding are skipped. Nothing is packed or reordered. Where the image is small and the weights are
/// large this is twice as fast as oneDNN 2.6, elsewhere somewhat faster. Flops: 2 per weight, image and
/// output pixel whose tap lies inside. The result does not depend on the number of threads.
void blocked_weight_grad(const BlockedConv& problem, const float* x, const float* dy, float* dweights);

}  // namespace agon::cpu
