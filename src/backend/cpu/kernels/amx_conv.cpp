#include "backend/cpu/kernels/amx_conv.h"

#include <algorithm>

#include "agon/error.h"

#include "backend/cpu/kernels/amx_tiles.h"
#include "backend/cpu/kernels/conv_taps.h"
#include "backend/cpu/kernels/parallel.h"

namespace agon::cpu {
namespace {

/// A tap that reaches an output pixel: its number and the source pixel it reads.
struct Tap {
  int64_t number, pixel;
};

/// Both passes are this: every output pixel gathers, over taps and source channels, source * weights.
struct Gather {
  BlockedConv problem;
  int64_t source_channels, source_pixels, to_channels, to_pixels;
  bool forward;  ///< weights [to][tap][source], else [source][tap][to]

  int64_t taps() const { return problem.kernel_h * problem.kernel_w; }
  int64_t steps() const { return source_channels / 32; }
  /// Packed weights of 32 output channels, in elements.
  int64_t packed_size() const { return taps() * steps() * 2 * tile_size; }
};

int64_t forward_taps(const BlockedConv& p, int64_t pixel, Tap* taps) {
  int64_t count = 0;
  for_each_forward_tap(p, pixel, [&](int64_t tap, int64_t source) { taps[count++] = {tap, source}; });
  return count;
}

int64_t input_grad_taps(const BlockedConv& p, int64_t pixel, Tap* taps) {
  int64_t count = 0;
  for_each_input_grad_tap(p, pixel, [&](int64_t tap, int64_t source) { taps[count++] = {tap, source}; });
  return count;
}

#ifdef AGON_HAVE_AMX
AGON_AMX_BEGIN

/// The weights of the output channels [c, c + 16 V) as right operands: per tap and 32 source channels, V
/// tiles.
template <int V>
void pack_weights(const Gather& g, const bf16* weights, int64_t c, bf16* to) {
  alignas(64) uint32_t pairs[16][16];
  const int64_t taps = g.taps();
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t k = 0; k < g.source_channels; k += 32)
      for (int64_t v = 0; v < V; ++v, to += tile_size) {
        const int64_t first = c + 16 * v;
        if (g.forward) {
          for (int64_t j = 0; j < 16; ++j)
            __builtin_memcpy(pairs[j], weights + ((first + j) * taps + tap) * g.source_channels + k, 64);
          store_transposed(pairs, to);
        } else {
          for (int64_t j = 0; j < 16; ++j) {
            const bf16* const row = weights + ((k + 2 * j) * taps + tap) * g.to_channels + first;
            *reinterpret_cast<PairsMemory*>(to + 32 * j) = interleave(row, row + taps * g.to_channels);
          }
        }
      }
}

/// Rounds 16 rows of 16 sums to bf16.
inline void write(const float (&sums)[16][16], int64_t row, bf16* to) {
  for (int64_t i = 0; i < 16; ++i)
    for (int64_t j = 0; j < 16; ++j) {
      uint32_t bits;
      __builtin_memcpy(&bits, &sums[i][j], sizeof(bits));
      const bool nan = sums[i][j] != sums[i][j];
      to[i * row + j].bits =
          static_cast<uint16_t>((nan ? bits | 0x400000u : bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
    }
}

/// One output pixel of 16 R images by 16 V channels.
template <int R, int V>
void gather_pixel(const Gather& g, const Tap* taps, int64_t count, const bf16* source, const bf16* weights,
                  bf16* to) {
  const int64_t image = g.source_pixels * g.source_channels, to_image = g.to_pixels * g.to_channels;
  const auto stride = static_cast<size_t>(image) * sizeof(bf16);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t t = 0; t < count; ++t) {
    const bf16* a = source + taps[t].pixel * g.source_channels;
    const bf16* b = weights + taps[t].number * g.steps() * V * tile_size;
    for (int64_t step = 0; step < g.steps(); ++step, a += 32, b += V * tile_size) {
      _tile_loadd(4, a, stride);
      _tile_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (V == 2) {
        _tile_loadd(7, b + tile_size, 64);
        _tile_dpbf16ps(1, 4, 7);
      }
      if constexpr (R == 2) {
        _tile_loadd(5, a + 16 * image, stride);
        _tile_dpbf16ps(2, 5, 6);
      }
      if constexpr (R == 2 && V == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  alignas(64) float sums[16][16];
  _tile_stored(0, sums, 64);
  write(sums, to_image, to);
  if constexpr (V == 2) {
    _tile_stored(1, sums, 64);
    write(sums, to_image, to + 16);
  }
  if constexpr (R == 2) {
    _tile_stored(2, sums, 64);
    write(sums, to_image, to + 16 * to_image);
  }
  if constexpr (R == 2 && V == 2) {
    _tile_stored(3, sums, 64);
    write(sums, to_image, to + 16 * to_image + 16);
  }
}

/// All pixels of the images [image, image_end), 32 at a time, for 16 V output channels from c.
template <int V>
void gather_images(const Gather& g, const bf16* source, const bf16* packed, int64_t image, int64_t image_end,
                   int64_t c, bf16* to) {
  Tap taps[most_amx_taps];
  for (; image < image_end; image += 32) {
    const bf16* const from = source + image * g.source_pixels * g.source_channels;
    for (int64_t pixel = 0; pixel < g.to_pixels; ++pixel) {
      const int64_t count =
          g.forward ? forward_taps(g.problem, pixel, taps) : input_grad_taps(g.problem, pixel, taps);
      bf16* const at = to + (image * g.to_pixels + pixel) * g.to_channels + c;
      if (image_end - image >= 32)
        gather_pixel<2, V>(g, taps, count, from, packed, at);
      else
        gather_pixel<1, V>(g, taps, count, from, packed, at);
    }
  }
}

/// The parts [begin, end) of the work, part = group of 32 output channels * image groups + group of 32
/// images.
void compute(const Gather& g, int64_t image_groups, const bf16* source, const bf16* weights, int64_t begin,
             int64_t end, bf16* packed, bf16* to) {
  configure_tiles();
  for (int64_t part = begin; part < end;) {
    const int64_t c = part / image_groups * 32, first = part % image_groups;
    const int64_t last = std::min(image_groups, first + end - part);
    const int64_t image = first * 32, image_end = std::min(last * 32, g.problem.images);
    if (c + 32 <= g.to_channels) {
      pack_weights<2>(g, weights, c, packed);
      gather_images<2>(g, source, packed, image, image_end, c, to);
    } else {
      pack_weights<1>(g, weights, c, packed);
      gather_images<1>(g, source, packed, image, image_end, c, to);
    }
    part += last - first;
  }
  _tile_release();
}
AGON_AMX_END
#else
void compute(const Gather&, int64_t, const bf16*, const bf16*, int64_t, int64_t, bf16*, bf16*) {
  fail(ErrorKind::internal, "cpu: this build has no kernels for matrix registers");
}
#endif

void run(const Gather& g, const bf16* source, const bf16* weights, bf16* to, void* scratch) {
  const int64_t image_groups = (g.problem.images + 31) / 32, groups = (g.to_channels + 31) / 32;
  parallel_ranges(groups * image_groups, 1, [&](int64_t begin, int64_t end, int part) {
    compute(g, image_groups, source, weights, begin, end,
            static_cast<bf16*>(scratch) + part * g.packed_size(), to);
  });
}

Gather forward_of(const BlockedConv& p) {
  return {p, p.channels, p.height * p.width, p.out_channels, p.out_height * p.out_width, true};
}
Gather input_grad_of(const BlockedConv& p) {
  return {p, p.out_channels, p.out_height * p.out_width, p.channels, p.height * p.width, false};
}

}  // namespace

size_t amx_conv_scratch_bytes(const BlockedConv& p) {
  const int64_t most = std::max(forward_of(p).packed_size(), input_grad_of(p).packed_size());
  return static_cast<size_t>(max_threads() * most) * sizeof(bf16);
}

void amx_conv_forward(const BlockedConv& p, const bf16* x, const bf16* weights, bf16* y, void* scratch) {
  run(forward_of(p), x, weights, y, scratch);
}

void amx_conv_input_grad(const BlockedConv& p, const bf16* dy, const bf16* weights, bf16* dx, void* scratch) {
  run(input_grad_of(p), dy, weights, dx, scratch);
}

}  // namespace agon::cpu
