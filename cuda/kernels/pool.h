#pragma once
#include "cuda/kernels/common.h"

/// Pools over NHWC images (up to three spatial axes; unused ones have extent, kernel and stride 1).
/// Gradients gather: each input pixel adds up the windows that hold it, in order, so nothing is atomic.
/// Fuses: the share of an average's window; the index with the maximum.
/// Launch: 256 threads a block, a thread a pixel and four channels (one where they do not align); a flop a
/// tap. Fewest bytes: every operand and result once. Limits: f32; every window holds a pixel of the image.
namespace agon::cuda {

enum class PoolOp : int32_t { avg, avg_grad, max, max_grad, max_take };

/// x is the large image [n, in.., channels], y the pooled one [n, out.., channels]:
///   avg       y from x            avg_grad  x from y
///   max       y and index from x  max_grad  x from y and index   max_take  y from x and index
/// `index` [n, out.., channels] counts pixels within one image; ties go to the first.
struct PoolArgs {
  PoolOp op = PoolOp::avg;
  float *x = nullptr, *y = nullptr;
  int32_t* index = nullptr;
  int64_t n = 0;
  int channels = 0;
  int in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1},
      pad_lo[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  bool count_include_pad = true;
};
cudaError_t launch_pool(const PoolArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
