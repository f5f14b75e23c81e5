#include "backend/cpu/kernels/reduce.h"

#include <algorithm>
#include <array>
#include <limits>

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/strides.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

// `join` combines elements before they are accumulated: sums of a few stay in float.
struct Sum {
  using Accumulator = double;
  static constexpr double identity = 0;
  static float join(float a, float b) { return a + b; }
  static double step(double a, double b) { return a + b; }
};

struct Max {
  using Accumulator = float;
  static constexpr float identity = -std::numeric_limits<float>::infinity();
  static float join(float a, float b) { return step(a, b); }
  static float step(float a, float b) {
    const float most = b > a ? b : a;  // two selects, since one with both conditions does not vectorise
    return b != b ? b : most;
  }
};

constexpr int64_t grain = 16384;      // elements that a thread should have
constexpr int64_t few = 16;           // fewer results than this, and
constexpr int64_t large = 131072;     // of so many elements each: all threads work on one after the other
constexpr int64_t max_chunks = 16;    // parts of one result, added up in order
constexpr int64_t tile_width = 1024;  // columns reduced together

/// One segment's reduction, in 32 lanes of four elements each.
template <class Op>
inline typename Op::Accumulator reduce_segment(const float* x, int64_t n) {
  using Accumulator = typename Op::Accumulator;
  constexpr int lanes = 32;
  Accumulator result = Op::identity;
  int64_t i = 0;
  if (n >= lanes) {
    Accumulator lane[lanes];
    for (int l = 0; l < lanes; ++l) lane[l] = Op::identity;
    for (; i + 4 * lanes <= n; i += 4 * lanes)
      for (int l = 0; l < lanes; ++l) {
        const float* at = x + i + l;
        const float four = Op::join(Op::join(at[0], at[lanes]), Op::join(at[2 * lanes], at[3 * lanes]));
        lane[l] = Op::step(lane[l], four);
      }
    for (; i + lanes <= n; i += lanes)
      for (int l = 0; l < lanes; ++l) lane[l] = Op::step(lane[l], x[i + l]);
    for (int half = lanes / 2; half > 0; half /= 2)
      for (int l = 0; l < half; ++l) lane[l] = Op::step(lane[l], lane[l + half]);
    result = lane[0];
  }
  for (; i < n; ++i) result = Op::step(result, x[i]);
  return result;
}

/// result[c] += the sum of rows x[c], for `width` columns that are held in registers.
template <class Op, int width>
inline void add_columns(const float* x, int64_t stride, int64_t rows, typename Op::Accumulator* result) {
  typename Op::Accumulator sum[width];
  for (int c = 0; c < width; ++c) sum[c] = result[c];
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *x0 = x + r * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    for (int c = 0; c < width; ++c)
      sum[c] = Op::step(sum[c], Op::join(Op::join(x0[c], x1[c]), Op::join(x2[c], x3[c])));
  }
  for (; r < rows; ++r)
    for (int c = 0; c < width; ++c) sum[c] = Op::step(sum[c], x[r * stride + c]);
  for (int c = 0; c < width; ++c) result[c] = sum[c];
}

/// The same for any width, a few rows at a time so that memory is read in sequence.
template <class Op>
inline void add_rows(const float* x, int64_t stride, int64_t rows, int64_t width,
                     typename Op::Accumulator* result) {
  const int64_t batch = std::max<int64_t>(16, 4096 / width / 4 * 4);
  for (int64_t r = 0; r < rows; r += batch, x += batch * stride) {
    const int64_t count = std::min(batch, rows - r);
    int64_t c = 0;
    for (; c + 64 <= width; c += 64) add_columns<Op, 64>(x + c, stride, count, result + c);
    for (; c + 16 <= width; c += 16) add_columns<Op, 16>(x + c, stride, count, result + c);
    for (; c < width; ++c) add_columns<Op, 1>(x + c, stride, count, result + c);
  }
}

}  // namespace

void ReduceKernel::Walk::add(int64_t extent, int64_t stride) {
  axes.push_back({extent, stride});
  count *= extent;
}

int64_t ReduceKernel::Walk::offset(int64_t index) const {
  int64_t sum = 0;
  for (size_t i = axes.size(); i-- > 1;) {
    sum += index % axes[i].extent * axes[i].stride;
    index /= axes[i].extent;
  }
  return axes.empty() ? 0 : sum + index * axes[0].stride;
}

ReduceKernel::ReduceKernel(Reduction kind, const Shape& shape, std::span<const int> axes) : kind_(kind) {
  // The target's stride of a reduced axis is 0, so that axes merge only with their like.
  Strides target = row_major(shape);
  for (int axis : axes) target[static_cast<size_t>(axis)] = 0;
  const LoopNest nest = LoopNest{shape, {row_major(shape), target}}.collapsed();
  const int last = nest.extents.rank() - 1;
  inner_ = nest.extents[last];
  inner_reduced_ = nest.operands[1][static_cast<size_t>(last)] == 0 && inner_ != 1;
  for (int axis = 0; axis < last; ++axis) {
    const auto a = static_cast<size_t>(axis);
    Walk& walk = nest.operands[1][a] == 0 ? reduced_ : kept_;
    walk.add(nest.extents[axis], nest.operands[0][a]);
  }
}

/// The innermost axis is reduced: every result is made of reduced_.count segments.
template <class Op>
void ReduceKernel::reduce_rows(const float* x, float* y) const {
  using Accumulator = typename Op::Accumulator;
  const int64_t each = reduced_.count * inner_;
  if (kept_.count >= few || each < large) {
    parallel_ranges(kept_.count, std::max<int64_t>(1, grain / std::max<int64_t>(1, each)),
                    [&](int64_t begin, int64_t end, int) {
                      vectorize([&] {
                        for (int64_t k = begin; k < end; ++k) {
                          const float* base = x + kept_.offset(k);
                          Accumulator result = Op::identity;
                          for (int64_t r = 0; r < reduced_.count; ++r)
                            result = Op::step(result, reduce_segment<Op>(base + reduced_.offset(r), inner_));
                          y[k] = static_cast<float>(result);
                        }
                      });
                    });
    return;
  }
  // Segments are cut into pieces, and the pieces dealt out in chunks.
  constexpr int64_t piece = 4096;
  const int64_t per_segment = (inner_ + piece - 1) / piece, pieces = reduced_.count * per_segment;
  const int64_t chunks = std::min(pieces, max_chunks);
  for (int64_t k = 0; k < kept_.count; ++k) {
    const float* base = x + kept_.offset(k);
    std::array<Accumulator, max_chunks> partial;
    parallel_ranges(chunks, 1, [&](int64_t begin, int64_t end, int) {
      vectorize([&] {
        for (int64_t chunk = begin; chunk < end; ++chunk) {
          Accumulator result = Op::identity;
          for (int64_t i = pieces * chunk / chunks; i < pieces * (chunk + 1) / chunks; ++i) {
            const int64_t start = i % per_segment * piece;
            result = Op::step(result, reduce_segment<Op>(base + reduced_.offset(i / per_segment) + start,
                                                         std::min(piece, inner_ - start)));
          }
          partial[static_cast<size_t>(chunk)] = result;
        }
      });
    });
    Accumulator result = Op::identity;
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      result = Op::step(result, partial[static_cast<size_t>(chunk)]);
    y[k] = static_cast<float>(result);
  }
}

/// The innermost axis is kept: every tile of it is reduced over reduced_.count rows.
template <class Op>
void ReduceKernel::reduce_columns(const float* x, float* y) const {
  using Accumulator = typename Op::Accumulator;
  const int64_t tiles = (inner_ + tile_width - 1) / tile_width, items = kept_.count * tiles;
  const int64_t each = reduced_.count * std::min(inner_, tile_width);
  const auto accumulate = [&](const float* base, int64_t width, int64_t begin, int64_t end,
                              Accumulator* result) {
    vectorize([=, this] {
      for (int64_t c = 0; c < width; ++c) result[c] = Op::identity;
      const auto [extent, stride] = reduced_.axes.empty() ? Axis{1, 0} : reduced_.axes.back();
      for (int64_t r = begin; r < end;) {
        const int64_t run = std::min(end - r, extent - r % extent);
        add_rows<Op>(base + reduced_.offset(r), stride, run, width, result);
        r += run;
      }
    });
  };
  if (items >= few || each < large) {
    parallel_ranges(
        items, std::max<int64_t>(1, grain / std::max<int64_t>(1, each)),
        [&](int64_t begin, int64_t end, int) {
          std::array<Accumulator, tile_width> result;
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i % tiles * tile_width, width = std::min(tile_width, inner_ - first);
            accumulate(x + kept_.offset(i / tiles) + first, width, 0, reduced_.count, result.data());
            std::copy_n(result.begin(), width, y + i / tiles * inner_ + first);
          }
        });
    return;
  }
  const int64_t chunks = std::min(reduced_.count, max_chunks);
  std::array<Accumulator, max_chunks * tile_width> partial;
  for (int64_t i = 0; i < items; ++i) {
    const int64_t first = i % tiles * tile_width, width = std::min(tile_width, inner_ - first);
    const float* base = x + kept_.offset(i / tiles) + first;
    parallel_ranges(chunks, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t chunk = begin; chunk < end; ++chunk)
        accumulate(base, width, reduced_.count * chunk / chunks, reduced_.count * (chunk + 1) / chunks,
                   partial.data() + chunk * tile_width);
    });
    for (int64_t chunk = 1; chunk < chunks; ++chunk)
      for (int64_t c = 0; c < width; ++c)
        partial[static_cast<size_t>(c)] =
            Op::step(partial[static_cast<size_t>(c)], partial[static_cast<size_t>(chunk * tile_width + c)]);
    std::copy_n(partial.begin(), width, y + i / tiles * inner_ + first);
  }
}

template <class Op>
void ReduceKernel::reduce(const float* x, float* y) const {
  if (inner_reduced_)
    reduce_rows<Op>(x, y);
  else
    reduce_columns<Op>(x, y);
}

void ReduceKernel::run(const float* x, float* y) const {
  if (kind_ == Reduction::sum)
    reduce<Sum>(x, y);
  else
    reduce<Max>(x, y);
}

}  // namespace agon::cpu
