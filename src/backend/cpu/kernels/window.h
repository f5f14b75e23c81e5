#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "agon/graph.h"

namespace agon::cpu {

/// A pool over NHWC images of one to three spatial axes, outermost first (absent ones have extent 1).
/// nChw16c images are NHWC ones with images = N * C / 16 and channels = 16.
struct PoolGeometry {
  int64_t images = 0, channels = 0;
  std::array<int64_t, 3> in{1, 1, 1}, out{1, 1, 1};
  std::array<int64_t, 3> kernel{1, 1, 1}, stride{1, 1, 1}, pad{0, 0, 0}, dilation{1, 1, 1};
  bool count_include_pad = true;
};
/// The pool of `x` [N, spatial..., C] by `window`.
PoolGeometry pool_geometry(const Shape& x, const Window& window);

/// x [images, in, channels] -> y [images, out, channels], as torch.nn.AvgPool2d. A window without any valid
/// position gives 0.
void avg_pool(const PoolGeometry& pool, const float* x, float* y);
/// dy [images, out, channels] -> dx [images, in, channels].
void avg_pool_grad(const PoolGeometry& pool, const float* dy, float* dx);

/// Also writes where each maximum was found: its flat position within the unpadded image, 0 .. prod(in)-1.
/// Ties go to the first position, NaN wins, padding never does. A window without any valid position gives
/// -inf and index -1, which max_pool_grad passes over and max_pool_take reads as 0.
void max_pool(const PoolGeometry& pool, const float* x, float* y, int32_t* index);
/// dx = the sum of the dy whose maximum was there.
void max_pool_grad(const PoolGeometry& pool, const float* dy, const int32_t* index, float* dx);
/// y = x at `index`; the adjoint of max_pool_grad.
void max_pool_take(const PoolGeometry& pool, const float* x, const int32_t* index, float* y);

/// Resizes NHWC images without antialiasing, as torch.nn.functional.interpolate: a pixel of the result blends
/// up to two pixels along each axis.
class ResizeKernel {
 public:
  /// in [N, H, W, C] -> out [N, H', W', C].
  ResizeKernel(const Shape& in, const Shape& out, ResizeMode mode);
  void run(const float* x, float* y) const;
  /// The adjoint: dy of shape `out` -> dx of shape `in`.
  void run_grad(const float* dy, float* dx) const;

 private:
  /// The source pixels of one result pixel along an axis, and the weight of the second.
  struct Source {
    int64_t first, second;
    float weight;
  };
  /// The result pixels [begin, end) that read a source pixel.
  struct Readers {
    int64_t begin = 0, end = 0;
  };
  static std::vector<Source> sources(ResizeMode mode, int64_t in, int64_t out);

  int64_t images_, channels_, in_width_, out_width_;
  std::vector<Source> rows_, columns_;
  std::vector<Readers> row_readers_;  ///< by source row
};

}  // namespace agon::cpu
