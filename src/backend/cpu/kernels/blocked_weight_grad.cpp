#include "backend/cpu/kernels/blocked_weight_grad.h"

#include <algorithm>

#include "agon/graph.h"

#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

namespace agon::cpu {
namespace {

/// The output pixels, of a run of images, for which one tap lies inside the input.
struct TapSpan {
  int64_t image, image_end, row, row_end, column, column_end;
  int64_t x_offset;  ///< from output pixel (0, 0) to the tap's input pixel, in floats; may be negative
};

/// The output positions i in [0, count) with 0 <= i * stride + shift < extent.
void clip(int64_t count, int64_t stride, int64_t shift, int64_t extent, int64_t& begin, int64_t& end) {
  begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
  end = extent - shift <= 0 ? 0 : std::min(count, (extent - shift + stride - 1) / stride);
  end = std::max(begin, end);
}

TapSpan span_of(const BlockedConv& p, int64_t ky, int64_t kx, int64_t image, int64_t image_end) {
  TapSpan span{image, image_end, 0, 0, 0, 0, ((ky - p.pad_top) * p.width + kx - p.pad_left) * 16};
  clip(p.out_height, p.stride_h, ky - p.pad_top, p.height, span.row, span.row_end);
  clip(p.out_width, p.stride_w, kx - p.pad_left, p.width, span.column, span.column_end);
  return span;
}

/// As many images as let one block of dy stay in the first-level cache.
int64_t images_at_once(const BlockedConv& p) {
  constexpr int64_t cache_floats = 8192;
  return std::max<int64_t>(1, cache_floats / (p.out_height * p.out_width * 16));
}

}  // namespace
}  // namespace agon::cpu

#define AGON_ISA_FILE "backend/cpu/kernels/blocked_weight_grad.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {

void blocked_weight_grad(const BlockedConv& p, const float* x, const float* dy, float* dweights) {
  const auto leaf = AGON_BEST(weight_grad);
  parallel_ranges(p.out_channels / 16 * p.kernel_h, 1,
                  [&](int64_t begin, int64_t end, int) { leaf(p, x, dy, begin, end, dweights); });
}

}  // namespace agon::cpu
