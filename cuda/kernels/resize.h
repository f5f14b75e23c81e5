#pragma once
#include "cuda/kernels/common.h"

/// Resampling of NHWC images as torch.nn.functional.interpolate does it. The gradient gathers: each input
/// pixel adds up the output pixels that read it, in order. Launch: 256 threads a block, a thread a pixel and
/// four channels (one where they do not align); 8 flops an output (nearest: 2). Fewest bytes: x and y once
/// each. Fuses: the weights of both axes. Limits: f32; extents of at most 2^14.
namespace agon::cuda {

/// The same modes, in the same order, as agon::ResizeMode.
enum class ResizeMode : int32_t { nearest, bilinear_half_pixel, bilinear_align_corners, bilinear_asymmetric };

struct ResizeArgs {
  ResizeMode mode = ResizeMode::nearest;
  bool grad = false;                 ///< x from y instead of y from x
  float *x = nullptr, *y = nullptr;  ///< [n, in_h, in_w, channels] and [n, out_h, out_w, channels]
  int64_t n = 0;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0, channels = 0;
};
cudaError_t launch_resize(const ResizeArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
