#include "backend/cpu/kernels/shape.h"

#include <algorithm>
#include <numeric>

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 8192;  // elements that a thread should have

/// Four bytes of any type.
using Word [[gnu::may_alias]] = uint32_t;

/// y[c][r] = x[r][c] for an 8 x 8 tile; strides between rows.
inline void transpose_tile(const Word* x, int64_t x_stride, Word* y, int64_t y_stride) {
  using Eight [[gnu::vector_size(32)]] = uint32_t;
  Eight a[8], b[8];
  for (int i = 0; i < 8; ++i) __builtin_memcpy(&a[i], x + i * x_stride, sizeof(Eight));
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shuffle(a[i], a[i + 1], Eight{0, 8, 2, 10, 4, 12, 6, 14});
    b[i + 1] = __builtin_shuffle(a[i], a[i + 1], Eight{1, 9, 3, 11, 5, 13, 7, 15});
  }
  for (int i : {0, 1, 4, 5}) {
    a[i] = __builtin_shuffle(b[i], b[i + 2], Eight{0, 1, 8, 9, 4, 5, 12, 13});
    a[i + 2] = __builtin_shuffle(b[i], b[i + 2], Eight{2, 3, 10, 11, 6, 7, 14, 15});
  }
  for (int i = 0; i < 4; ++i) {
    b[i] = __builtin_shuffle(a[i], a[i + 4], Eight{0, 1, 2, 3, 8, 9, 10, 11});
    b[i + 4] = __builtin_shuffle(a[i], a[i + 4], Eight{4, 5, 6, 7, 12, 13, 14, 15});
  }
  for (int i = 0; i < 8; ++i) __builtin_memcpy(y + i * y_stride, &b[i], sizeof(Eight));
}

struct Plane {
  int64_t rows, columns;
  int64_t x_row, x_column, y_row, y_column;
};

// Planes are passed by value: a store through a Word could change one in memory.
inline void copy_strided(Plane p, const Word* x, Word* y) {
  for (int64_t r = 0; r < p.rows; ++r) {
#pragma GCC ivdep
    for (int64_t c = 0; c < p.columns; ++c) y[r * p.y_row + c * p.y_column] = x[r * p.x_row + c * p.x_column];
  }
}

/// Rows are adjacent in x, columns in y. Tiles of 8 x 8 within strips of 64 columns, so that the lines of y
/// that a strip writes stay in the cache while its rows go by.
inline void copy_transposed(Plane p, const Word* x, Word* y) {
  const int64_t rows = p.rows / 8 * 8, columns = p.columns / 8 * 8;
  for (int64_t strip = 0; strip < columns; strip += 64) {
    const int64_t end = std::min(strip + 64, columns);
    for (int64_t r = 0; r < rows; r += 8)
      for (int64_t c = strip; c < end; c += 8)
        transpose_tile(x + c * p.x_column + r, p.x_column, y + r * p.y_row + c, p.y_row);
  }
  Plane rest = p;
  rest.columns = p.columns - columns;
  copy_strided(rest, x + columns * p.x_column, y + columns);
  rest.columns = columns;
  rest.rows = p.rows - rows;
  copy_strided(rest, x + rows, y + rows * p.y_row);
}

inline void copy_plane(Plane p, const Word* x, Word* y) {
  if (p.y_column == 1 && p.x_column == 1) {
    for (int64_t r = 0; r < p.rows; ++r) {
#pragma GCC ivdep
      for (int64_t c = 0; c < p.columns; ++c) y[r * p.y_row + c] = x[r * p.x_row + c];
    }
  } else if (p.y_column == 1 && p.x_column == 0) {
    for (int64_t r = 0; r < p.rows; ++r) std::fill_n(y + r * p.y_row, p.columns, x[r * p.x_row]);
  } else if (p.y_column == 1 && p.x_row == 1 && p.rows >= 8 && p.columns >= 8) {
    copy_transposed(p, x, y);
  } else {
    copy_strided(p, x, y);
  }
}

}  // namespace

CopyKernel::CopyKernel(const Shape& extents, const Strides& source, const Strides& target) {
  // In the order of the target, so that it is written in sequence.
  std::vector<int> order(static_cast<size_t>(extents.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(
      order, [&](int a, int b) { return target[static_cast<size_t>(a)] > target[static_cast<size_t>(b)]; });
  LoopNest nest;
  nest.operands.resize(2, Strides{});
  for (size_t i = 0; i < order.size(); ++i) {
    nest.extents.push_back(extents[order[i]]);
    nest.operands[0][i] = source[static_cast<size_t>(order[i])];
    nest.operands[1][i] = target[static_cast<size_t>(order[i])];
  }
  nest = nest.collapsed();
  for (int axis = 0; axis < nest.extents.rank(); ++axis) {
    const auto a = static_cast<size_t>(axis);
    outer_.push_back({nest.extents[axis], nest.operands[0][a], nest.operands[1][a]});
  }
  column_ = outer_.back();
  outer_.pop_back();
  if (!outer_.empty()) {
    // Rows: the axis along which the source is contiguous, or else the next one.
    auto row = std::ranges::find(outer_, 1, &Axis::source);
    if (column_.source <= 1 || row == outer_.end()) row = outer_.end() - 1;
    row_ = *row;
    outer_.erase(row);
  }
  for (const Axis& axis : outer_) planes_ *= axis.extent;
}

void CopyKernel::run(const void* x, void* y) const {
  const auto* from = static_cast<const Word*>(x);
  auto* to = static_cast<Word*>(y);
  if (planes_ * row_.extent * column_.extent == 0) return;
  Plane plane{row_.extent, column_.extent, row_.source, column_.source, row_.target, column_.target};
  // A single plane is cut along its longer side, many planes are dealt out.
  if (planes_ == 1) {
    const bool by_rows = row_.extent >= column_.extent;
    const int64_t length = by_rows ? row_.extent : column_.extent;
    const int64_t other = by_rows ? column_.extent : row_.extent;
    parallel_ranges(length, std::max<int64_t>(8, grain / other), [&](int64_t begin, int64_t end, int) {
      Plane part = plane;
      (by_rows ? part.rows : part.columns) = end - begin;
      const Axis& cut = by_rows ? row_ : column_;
      vectorize([&] { copy_plane(part, from + begin * cut.source, to + begin * cut.target); });
    });
    return;
  }
  const int64_t size = plane.rows * plane.columns;
  parallel_ranges(planes_, std::max<int64_t>(1, grain / size), [&](int64_t begin, int64_t end, int) {
    vectorize([&] {
      for (int64_t p = begin; p < end; ++p) {
        int64_t rest = p, source = 0, target = 0;
        for (size_t i = outer_.size(); i-- > 0;) {
          const int64_t index = rest % outer_[i].extent;
          rest /= outer_[i].extent;
          source += index * outer_[i].source;
          target += index * outer_[i].target;
        }
        copy_plane(plane, from + source, to + target);
      }
    });
  });
}

void fill(float* y, int64_t n, float value) {
  parallel_ranges(n, 2 * grain,
                  [=](int64_t begin, int64_t end, int) { std::fill(y + begin, y + end, value); });
}

namespace {

/// Calls move(offset in NHWC, offset in nChw16c) for each group of 16 channels, in strips of pixels that stay
/// in the cache from one channel block to the next.
template <class Move>
void for_each_group(int64_t images, int64_t pixels, int64_t channels, const Move& move) {
  const int64_t strip = std::max<int64_t>(1, 8192 / channels), strips = (pixels + strip - 1) / strip;
  parallel_ranges(images * strips, std::max<int64_t>(1, grain / (strip * channels)),
                  [=](int64_t begin, int64_t end, int) {
                    vectorize([=] {
                      for (int64_t s = begin; s < end; ++s) {
                        const int64_t image = s / strips, first = s % strips * strip;
                        const int64_t last = std::min(first + strip, pixels);
                        for (int64_t block = 0; block < channels / 16; ++block)
                          for (int64_t p = first; p < last; ++p)
                            move((image * pixels + p) * channels + block * 16,
                                 ((image * (channels / 16) + block) * pixels + p) * 16);
                      }
                    });
                  });
}

}  // namespace

void to_blocked(const float* x, int64_t images, int64_t pixels, int64_t channels, float* y) {
  for_each_group(images, pixels, channels, [=](int64_t flat, int64_t blocked) {
    __builtin_memcpy(y + blocked, x + flat, 16 * sizeof(float));
  });
}

void from_blocked(const float* x, int64_t images, int64_t pixels, int64_t channels, float* y) {
  for_each_group(images, pixels, channels, [=](int64_t flat, int64_t blocked) {
    __builtin_memcpy(y + flat, x + blocked, 16 * sizeof(float));
  });
}

}  // namespace agon::cpu
