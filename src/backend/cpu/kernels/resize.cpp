#include <algorithm>

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vectorize.h"
#include "backend/cpu/kernels/window.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 8192;  // elements that a thread should have

}  // namespace

std::vector<ResizeKernel::Source> ResizeKernel::sources(ResizeMode mode, int64_t in, int64_t out) {
  std::vector<Source> result;
  const double ratio = static_cast<double>(in) / static_cast<double>(out);
  for (int64_t o = 0; o < out; ++o) {
    if (mode == ResizeMode::nearest) {
      result.push_back({o * in / out, o * in / out, 0});
      continue;
    }
    const auto to = static_cast<double>(o);
    double at = to * ratio;
    if (mode == ResizeMode::bilinear_half_pixel) at = std::max(0.0, (to + 0.5) * ratio - 0.5);
    if (mode == ResizeMode::bilinear_align_corners)
      at = out == 1 ? 0 : to * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    const auto first = std::min(static_cast<int64_t>(at), in - 1);
    const auto weight = static_cast<float>(at - static_cast<double>(first));
    result.push_back({first, weight == 0 ? first : std::min(first + 1, in - 1), weight});
  }
  return result;
}

ResizeKernel::ResizeKernel(const Shape& in, const Shape& out, ResizeMode mode)
    : images_(in[0]),
      channels_(in[3]),
      in_width_(in[2]),
      out_width_(out[2]),
      rows_(sources(mode, in[1], out[1])),
      columns_(sources(mode, in[2], out[2])),
      row_readers_(static_cast<size_t>(in[1])) {
  // Sources never decrease, so the readers of a row are adjacent.
  for (size_t o = 0; o < rows_.size(); ++o)
    for (int64_t row : {rows_[o].first, rows_[o].second}) {
      Readers& readers = row_readers_[static_cast<size_t>(row)];
      if (readers.begin == readers.end) readers.begin = static_cast<int64_t>(o);
      readers.end = static_cast<int64_t>(o) + 1;
    }
}

void ResizeKernel::run(const float* x, float* y) const {
  const auto out_rows = static_cast<int64_t>(rows_.size()),
             in_rows = static_cast<int64_t>(row_readers_.size());
  const int64_t channels = channels_;
  const int64_t work = std::max<int64_t>(1, out_width_ * channels);
  parallel_ranges(
      images_ * out_rows, std::max<int64_t>(1, grain / work), [=, this](int64_t begin, int64_t end, int) {
        vectorize([=, this] {
          for (int64_t i = begin; i < end; ++i) {
            const Source& row = rows_[static_cast<size_t>(i % out_rows)];
            const float* image = x + i / out_rows * in_rows * in_width_ * channels;
            const float* upper = image + row.first * in_width_ * channels;
            const float* lower = image + row.second * in_width_ * channels;
            float* to = y + i * out_width_ * channels;
            for (const Source& column : columns_) {
              const float *a = upper + column.first * channels, *b = upper + column.second * channels;
              const float *c = lower + column.first * channels, *d = lower + column.second * channels;
              if (row.weight == 0 && column.weight == 0) {
                std::copy_n(a, channels, to);
              } else {
#pragma GCC ivdep
                for (int64_t k = 0; k < channels; ++k) {
                  const float above = a[k] + (b[k] - a[k]) * column.weight;
                  const float below = c[k] + (d[k] - c[k]) * column.weight;
                  to[k] = above + (below - above) * row.weight;
                }
              }
              to += channels;
            }
          }
        });
      });
}

void ResizeKernel::run_grad(const float* dy, float* dx) const {
  const auto out_rows = static_cast<int64_t>(rows_.size()),
             in_rows = static_cast<int64_t>(row_readers_.size());
  const int64_t channels = channels_;
  const int64_t work = std::max<int64_t>(1, out_rows * out_width_ / in_rows * channels);
  // A thread owns rows of dx and gathers from the rows of dy that read them.
  parallel_ranges(
      images_ * in_rows, std::max<int64_t>(1, grain / work), [=, this](int64_t begin, int64_t end, int) {
        vectorize([=, this] {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t own = i % in_rows;
            float* to = dx + i * in_width_ * channels;
            std::fill_n(to, in_width_ * channels, 0.0f);
            const Readers readers = row_readers_[static_cast<size_t>(own)];
            for (int64_t o = readers.begin; o < readers.end; ++o) {
              const Source& row = rows_[static_cast<size_t>(o)];
              const float share =
                  (row.first == own ? 1 - row.weight : 0.0f) + (row.second == own ? row.weight : 0.0f);
              const float* from = dy + (i / in_rows * out_rows + o) * out_width_ * channels;
              for (const Source& column : columns_) {
                float *first = to + column.first * channels, *second = to + column.second * channels;
                const float near = share * (1 - column.weight), far = share * column.weight;
#pragma GCC ivdep
                for (int64_t k = 0; k < channels; ++k) first[k] += near * from[k];
                if (far != 0) {
#pragma GCC ivdep
                  for (int64_t k = 0; k < channels; ++k) second[k] += far * from[k];
                }
                from += channels;
              }
            }
          }
        });
      });
}

}  // namespace agon::cpu
