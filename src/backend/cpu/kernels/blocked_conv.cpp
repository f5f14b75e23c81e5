#include "backend/cpu/kernels/blocked_conv.h"

#include "agon/graph.h"

#include "backend/cpu/kernels/conv_taps.h"
#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

namespace agon::cpu {
namespace {

/// A tap that reaches an output pixel: where its weights and its source pixel lie, in floats.
struct TapSource {
  int64_t weights, source;
};

/// Both passes are this: every output pixel gathers, over taps and source channels, source * weights.
struct GatherConv {
  BlockedConv problem;
  int64_t images, image_groups;
  int64_t source_image, source_block_step,
      source_blocks;  ///< floats an image, floats a channel block, blocks
  int64_t to_image, to_pixels, to_channels;
  int64_t weights_source_step, weights_to_step;  ///< floats from one channel block to the next
  int64_t (*taps_of)(const BlockedConv& problem, int64_t pixel, TapSource* taps);
};

int64_t forward_taps(const BlockedConv& p, int64_t pixel, TapSource* taps) {
  int64_t count = 0;
  for_each_forward_tap(p, pixel, [&](int64_t tap, int64_t source) {
    taps[count++] = {tap * 256, source * 16};
  });
  return count;
}

int64_t input_grad_taps(const BlockedConv& p, int64_t pixel, TapSource* taps) {
  int64_t count = 0;
  for_each_input_grad_tap(p, pixel, [&](int64_t tap, int64_t source) {
    taps[count++] = {tap * 256, source * 16};
  });
  return count;
}

}  // namespace
}  // namespace agon::cpu

#define AGON_ISA_FILE "backend/cpu/kernels/blocked_conv.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

void run(GatherConv g, const float* source, const float* weights, float* to) {
  const int64_t rows = AGON_BEST(tile_rows);
  g.images = g.problem.images;
  g.image_groups = (g.images + rows - 1) / rows;
  const auto leaf = AGON_BEST(gather_conv);
  const int64_t group = AGON_BEST(group_channels);
  parallel_ranges((g.to_channels + group - 1) / group * g.image_groups, 1,
                  [&](int64_t begin, int64_t end, int) { leaf(g, source, weights, begin, end, to); });
}

}  // namespace

void blocked_conv_forward(const BlockedConv& p, const float* x, const float* weights, float* y) {
  const int64_t pixels = p.height * p.width, out_pixels = p.out_height * p.out_width;
  const int64_t taps = p.kernel_h * p.kernel_w;
  run({.problem = p,
       .images = 0,
       .image_groups = 0,
       .source_image = pixels * p.channels,
       .source_block_step = pixels * 16,
       .source_blocks = p.channels / 16,
       .to_image = out_pixels * p.out_channels,
       .to_pixels = out_pixels,
       .to_channels = p.out_channels,
       .weights_source_step = taps * 256,
       .weights_to_step = p.channels / 16 * taps * 256,
       .taps_of = forward_taps},
      x, weights, y);
}

void blocked_conv_input_grad(const BlockedConv& p, const float* dy, const float* weights, float* dx) {
  const int64_t pixels = p.height * p.width, out_pixels = p.out_height * p.out_width;
  const int64_t taps = p.kernel_h * p.kernel_w;
  run({.problem = p,
       .images = 0,
       .image_groups = 0,
       .source_image = out_pixels * p.out_channels,
       .source_block_step = out_pixels * 16,
       .source_blocks = p.out_channels / 16,
       .to_image = pixels * p.channels,
       .to_pixels = pixels,
       .to_channels = p.channels,
       .weights_source_step = p.channels / 16 * taps * 256,
       .weights_to_step = taps * 256,
       .taps_of = input_grad_taps},
      dy, weights, dx);
}

}  // namespace agon::cpu
