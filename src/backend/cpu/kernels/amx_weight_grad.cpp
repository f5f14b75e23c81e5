#include "backend/cpu/kernels/amx_weight_grad.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agon/error.h"

#include "backend/cpu/kernels/amx_tiles.h"
#include "backend/cpu/kernels/parallel.h"

namespace agon::cpu {
namespace {

constexpr int64_t tile_pixels = 32;  ///< of a tile of either operand: 16 pairs
constexpr int64_t cache_bytes = int64_t{1536} << 10;

/// How a problem is cut: pixels into runs whose packed operands stay in the second-level cache.
struct Cut {
  int64_t pixels, run_steps, runs, taps, groups;

  explicit Cut(const BlockedConv& p)
      : pixels(p.images * p.out_height * p.out_width),
        run_steps(0),
        runs(0),
        taps(p.kernel_h * p.kernel_w),
        groups((p.out_channels + 31) / 32) {
    const int64_t steps = (pixels + tile_pixels - 1) / tile_pixels;
    const int64_t step_bytes = (p.channels + p.out_channels) * tile_pixels * 2;
    const int64_t most = std::clamp<int64_t>(cache_bytes / step_bytes, 1, 32);
    runs = (steps + most - 1) / most;
    run_steps = (steps + runs - 1) / runs;
  }
  // Scratch of one thread, in bytes; multiples of 64.
  int64_t dy_bytes(const BlockedConv& p) const { return p.out_channels / 16 * run_steps * tile_size * 2; }
  int64_t x_bytes(const BlockedConv& p) const { return p.channels / 16 * run_steps * tile_size * 2; }
  int64_t zero_bytes(const BlockedConv& p) const { return (p.channels * 2 + 63) / 64 * 64; }
  int64_t source_bytes() const { return run_steps * tile_pixels * 8; }
  int64_t packed_bytes() const { return (groups * 8 + 63) / 64 * 64; }
  int64_t per_thread(const BlockedConv& p) const {
    return dy_bytes(p) + x_bytes(p) + zero_bytes(p) + source_bytes() + packed_bytes();
  }
};

/// The parts of one thread's scratch.
struct Workspace {
  bf16 *dy, *x, *zeros;
  const bf16** sources;  ///< per pixel of the run: what the tap reads there
  int64_t* packed;       ///< per group of output channels: the run that `dy` holds, plus one

  Workspace(const BlockedConv& p, const Cut& cut, std::byte* memory) {
    const auto take = [&](int64_t bytes) { return std::exchange(memory, memory + bytes); };
    dy = reinterpret_cast<bf16*>(take(cut.dy_bytes(p)));
    x = reinterpret_cast<bf16*>(take(cut.x_bytes(p)));
    zeros = reinterpret_cast<bf16*>(take(cut.zero_bytes(p)));
    sources = reinterpret_cast<const bf16**>(take(cut.source_bytes()));
    packed = reinterpret_cast<int64_t*>(take(cut.packed_bytes()));
  }
};

/// Where tap (ky, kx) reads x for the pixels [first, first + count); `zeros` in the padding and beyond the
/// end.
void find_sources(const BlockedConv& p, const Cut& cut, const bf16* x, int64_t tap, int64_t first,
                  int64_t count, const Workspace& w) {
  const int64_t ky = tap / p.kernel_w, kx = tap % p.kernel_w, out_pixels = p.out_height * p.out_width;
  const int64_t inside = std::min(count, cut.pixels - first);
  int64_t image = first / out_pixels, oy = first % out_pixels / p.out_width, ox = first % p.out_width;
  for (int64_t i = 0; i < inside;) {  // a row of output pixels at a time
    const int64_t end = std::min(inside, i + p.out_width - ox), y = oy * p.stride_h + ky - p.pad_top;
    const bool row_inside = y >= 0 && y < p.height;
    const bf16* const row = x + (image * p.height + y) * p.width * p.channels;
    for (int64_t column = ox * p.stride_w + kx - p.pad_left; i < end; ++i, column += p.stride_w)
      w.sources[i] = row_inside && column >= 0 && column < p.width ? row + column * p.channels : w.zeros;
    ox = 0;
    if (++oy == p.out_height) oy = 0, ++image;
  }
  std::fill(w.sources + inside, w.sources + count, w.zeros);
}

#ifdef AGON_HAVE_AMX
AGON_AMX_BEGIN

/// The run's pixels of dy as left operands: per 16 output channels and 32 pixels a tile [channel][pixel].
void pack_dy(const BlockedConv& p, const Cut& cut, const bf16* dy, int64_t first, int64_t begin, int64_t end,
             const Workspace& w) {
  alignas(64) uint32_t pairs[16][16];
  for (int64_t step = 0; step < cut.run_steps; ++step) {
    for (int64_t c = begin; c < end; c += 16) {
      for (int64_t j = 0; j < 16; ++j) {
        const int64_t pixel = first + step * tile_pixels + 2 * j;
        const bf16* const a = pixel < cut.pixels ? dy + pixel * p.out_channels + c : w.zeros;
        const bf16* const b = pixel + 1 < cut.pixels ? dy + (pixel + 1) * p.out_channels + c : w.zeros;
        *reinterpret_cast<PairsMemory*>(pairs[j]) = interleave(a, b);
      }
      store_transposed(pairs, w.dy + (c / 16 * cut.run_steps + step) * tile_size);
    }
  }
}

/// The sources as right operands: per 16 channels and 32 pixels a tile [pair of pixels][channel][of the
/// pair].
void pack_x(const BlockedConv& p, const Cut& cut, const Workspace& w) {
  for (int64_t pair = 0; pair < cut.run_steps * 16; ++pair) {
    const bf16 *const a = w.sources[2 * pair], *const b = w.sources[2 * pair + 1];
    bf16* const to = w.x + pair / 16 * tile_size + pair % 16 * 32;
    for (int64_t c = 0; c < p.channels; c += 16)
      *reinterpret_cast<PairsMemory*>(to + c * 32 * cut.run_steps) = interleave(a + c, b + c);
  }
}

/// The sums of 16 R by 16 V weights over `steps` tiles, `next` elements from one row of tiles to the next.
template <int R, int V>
void multiply(const bf16* a, const bf16* b, int64_t steps, int64_t next, bool add, float* c, int64_t c_step) {
  const auto row = static_cast<size_t>(c_step) * sizeof(float);
  float* const lower = c + 16 * c_step;
  if (add) {
    _tile_loadd(0, c, row);
    if constexpr (V == 2) _tile_loadd(1, c + 16, row);
    if constexpr (R == 2) _tile_loadd(2, lower, row);
    if constexpr (R == 2 && V == 2) _tile_loadd(3, lower + 16, row);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t step = 0; step < steps; ++step, a += tile_size, b += tile_size) {
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (V == 2) {
      _tile_loadd(7, b + next, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (R == 2) {
      _tile_loadd(5, a + next, 64);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (R == 2 && V == 2) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, row);
  if constexpr (V == 2) _tile_stored(1, c + 16, row);
  if constexpr (R == 2) _tile_stored(2, lower, row);
  if constexpr (R == 2 && V == 2) _tile_stored(3, lower + 16, row);
}

/// The parts [begin, end) of the work, part = tap * groups + group of 32 output channels.
void compute(const BlockedConv& p, const Cut& cut, const bf16* x, const bf16* dy, int64_t begin, int64_t end,
             const Workspace& w, float* dweights) {
  configure_tiles();
  std::memset(w.zeros, 0, static_cast<size_t>(cut.zero_bytes(p)));
  std::fill_n(w.packed, cut.groups, int64_t{0});
  const int64_t next = cut.run_steps * tile_size, c_step = cut.taps * p.channels;
  for (int64_t run = 0; run < cut.runs; ++run) {
    const int64_t first = run * cut.run_steps * tile_pixels;
    for (int64_t part = begin; part < end; ++part) {
      const int64_t tap = part / cut.groups, group = part % cut.groups, o = group * 32;
      const int64_t o_end = std::min(o + 32, p.out_channels);
      if (part == begin || group == 0) {
        find_sources(p, cut, x, tap, first, cut.run_steps * tile_pixels, w);
        pack_x(p, cut, w);
      }
      if (w.packed[group] != run + 1) pack_dy(p, cut, dy, first, o, o_end, w);
      w.packed[group] = run + 1;
      const bf16* const a = w.dy + o / 16 * next;
      float* const to = dweights + o * c_step + tap * p.channels;
      for (int64_t c = 0; c < p.channels; c += 32) {
        const bf16* const b = w.x + c / 16 * next;
        const bool two = c + 32 <= p.channels, rows_two = o_end - o == 32;
        const auto product =
            rows_two ? (two ? multiply<2, 2> : multiply<2, 1>) : (two ? multiply<1, 2> : multiply<1, 1>);
        product(a, b, cut.run_steps, next, run > 0, to + c, c_step);
      }
    }
  }
  _tile_release();
}
AGON_AMX_END
#else
void compute(const BlockedConv&, const Cut&, const bf16*, const bf16*, int64_t, int64_t, const Workspace&,
             float*) {
  fail(ErrorKind::internal, "cpu: this build has no kernels for matrix registers");
}
#endif

}  // namespace

size_t amx_weight_grad_scratch_bytes(const BlockedConv& problem) {
  return static_cast<size_t>(max_threads() * Cut(problem).per_thread(problem));
}

void amx_weight_grad(const BlockedConv& p, const bf16* x, const bf16* dy, float* dweights, void* scratch) {
  const Cut cut(p);
  parallel_ranges(cut.taps * cut.groups, 1, [&](int64_t begin, int64_t end, int part) {
    const Workspace w(p, cut, static_cast<std::byte*>(scratch) + part * cut.per_thread(p));
    compute(p, cut, x, dy, begin, end, w, dweights);
  });
}

}  // namespace agon::cpu
