#include "backend/cpu/kernels/thin_conv.h"

#include <algorithm>

#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

namespace agon::cpu {
namespace {

/// The widest register in floats: extents are padded to it whatever the instruction set.
constexpr int64_t widest = 16;

int64_t padded(int64_t n) {
  return (n + widest - 1) / widest * widest;
}

/// Extents that follow from a problem; all in floats or elements.
struct Geometry {
  int64_t taps, taps_padded, wide_padded;
  int64_t padded_height, padded_row;  ///< the image with its padding: rows, floats a row
  int64_t image_size, wide_size, wide_pixels;
  int64_t rows_at_once;  ///< output rows whose columns weight_grad keeps in the cache

  explicit Geometry(const ThinConv& p)
      : taps(p.kernel_h * p.kernel_w * p.channels),
        taps_padded(padded(taps)),
        wide_padded(padded(p.wide_channels)),
        padded_height(std::max((p.wide_height - 1) * p.stride_h + p.kernel_h, p.pad_top + p.height)),
        padded_row(std::max((p.wide_width - 1) * p.stride_w + p.kernel_w, p.pad_left + p.width) * p.channels),
        image_size(p.height * p.width * p.channels),
        wide_size(p.wide_height * p.wide_width * p.wide_channels),
        wide_pixels(p.wide_height * p.wide_width),
        rows_at_once(std::max<int64_t>(1, 128 / p.wide_width)) {}

  // Scratch of one thread, in floats. Registers read and write up to one width beyond an end.
  int64_t gathered(const ThinConv& p) const { return padded(p.kernel_h * padded_row + widest); }
  int64_t columns(const ThinConv& p) const {
    return padded(std::max(rows_at_once * taps_padded, wide_padded) * p.wide_width + widest);
  }
  int64_t line() const { return padded(padded_row + 2 * widest); }
  int64_t padded_image() const { return padded(padded_height * padded_row + 2 * widest); }
  int64_t sums(const ThinConv& p) const { return p.wide_channels * taps_padded; }
  int64_t per_thread(const ThinConv& p) const {
    return gathered(p) + columns(p) + std::max(line() + padded_image(), sums(p));
  }
  /// Shared by all threads: the packed weights, then the bias (repeated as far as a register may read).
  int64_t weights(const ThinConv& p) const { return std::max(taps * wide_padded, sums(p)); }
  int64_t bias() const { return wide_padded + 2 * widest; }
};

}  // namespace
}  // namespace agon::cpu

#define AGON_ISA_FILE "backend/cpu/kernels/thin_conv.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

/// The parts of the caller's scratch.
struct Workspace {
  float *weights, *bias, *threads;
  int64_t stride;

  Workspace(const ThinConv& p, const Geometry& g, void* scratch)
      : weights(static_cast<float*>(scratch)),
        bias(weights + g.weights(p)),
        threads(bias + g.bias()),
        stride(g.per_thread(p)) {}
  float* of(int part) const { return threads + part * stride; }
};

}  // namespace

size_t thin_conv_scratch_bytes(const ThinConv& problem) {
  const Geometry g(problem);
  return static_cast<size_t>(g.weights(problem) + g.bias() + max_threads() * g.per_thread(problem)) *
         sizeof(float);
}

void thin_conv_forward(const ThinConv& p, const float* image, const float* weights, const float* bias,
                       const Activation& activation, float* wide, void* scratch) {
  const Geometry g(p);
  const Workspace w(p, g, scratch);
  for (int64_t t = 0; t < g.taps; ++t)
    for (int64_t c = 0; c < g.wide_padded; ++c)
      w.weights[t * g.wide_padded + c] = c < p.wide_channels ? weights[c * g.taps + t] : 0;
  for (int64_t c = 0; c < g.wide_padded; ++c)
    w.bias[c] = bias != nullptr && c < p.wide_channels ? bias[c] : 0;
  const auto leaf = AGON_BEST(forward);
  parallel_ranges(p.images * p.wide_height, 4, [&](int64_t begin, int64_t end, int part) {
    leaf(p, g, image, w.weights, w.bias, activation.kind, static_cast<float>(activation.alpha), begin, end,
         w.of(part), w.of(part) + g.gathered(p), wide);
  });
}

void thin_conv_input_grad(const ThinConv& p, const float* wide, const float* weights, const float* bias,
                          const Activation& activation, float* image, void* scratch) {
  const Geometry g(p);
  const Workspace w(p, g, scratch);
  for (int64_t c = 0; c < p.wide_channels; ++c)
    for (int64_t t = 0; t < g.taps_padded; ++t)
      w.weights[c * g.taps_padded + t] = t < g.taps ? weights[c * g.taps + t] : 0;
  for (int64_t i = 0; i < p.channels + widest; ++i) w.bias[i] = bias != nullptr ? bias[i % p.channels] : 0;
  const auto leaf = AGON_BEST(input_grad);
  parallel_ranges(p.images, 1, [&](int64_t begin, int64_t end, int part) {
    float* const columns = w.of(part) + g.gathered(p);
    float* const line = columns + g.columns(p);
    for (int64_t n = begin; n < end; ++n)
      leaf(p, g, wide + n * g.wide_size, w.weights, w.bias, activation.kind,
           static_cast<float>(activation.alpha), columns, line, line + g.line(), image + n * g.image_size);
  });
}

void thin_conv_weight_grad(const ThinConv& p, const float* image, const float* wide, float* dweights,
                           void* scratch) {
  const Geometry g(p);
  const Workspace w(p, g, scratch);
  const auto leaf = AGON_BEST(weight_grad);
  const int64_t sums_at = g.gathered(p) + g.columns(p);
  const int parts =
      parallel_ranges(p.images * p.wide_height, g.rows_at_once, [&](int64_t begin, int64_t end, int part) {
        float *rows = w.of(part), *columns = rows + g.gathered(p), *sums = rows + sums_at;
        std::fill_n(sums, g.sums(p), 0.0f);
        leaf(p, g, image, wide, begin, end, rows, columns, sums);
      });
  for (int64_t c = 0; c < p.wide_channels; ++c)
    for (int64_t t = 0; t < g.taps; ++t) {
      float sum = 0;
      for (int part = 0; part < parts; ++part) sum += w.of(part)[sums_at + c * g.taps_padded + t];
      dweights[c * g.taps + t] = sum;
    }
}

}  // namespace agon::cpu
