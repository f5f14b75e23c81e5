#include "backend/cpu/kernels/index.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "agon/error.h"

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 8192;  // elements that a thread should have

int64_t rows_per_thread(int64_t width) {
  return std::max<int64_t>(1, grain / std::max<int64_t>(1, width));
}

void check_range(const char* op, const int32_t* index, int64_t n, int64_t extent) {
  for (int64_t i = 0; i < n; ++i)
    check(index[i] >= 0 && index[i] < extent, ErrorKind::data,
          "{}: index {} at place {} is outside of 0 to {}", op, index[i], i, extent - 1);
}

}  // namespace

void gather(const float* table, int64_t rows, int64_t d, const int32_t* index, int64_t n, float* y) {
  check_range("gather", index, n, rows);
  parallel_ranges(n, rows_per_thread(d), [=](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) std::copy_n(table + index[i] * d, d, y + i * d);
  });
}

void scatter_add(const int32_t* index, const float* values, int64_t n, int64_t d, int64_t rows, float* y) {
  check_range("scatter_add", index, n, rows);
  // A thread has some columns of every row: the order of the additions is that of the index.
  const int64_t columns = std::max<int64_t>(16, grain / std::max<int64_t>(1, n + rows));
  parallel_ranges(d, columns, [=](int64_t begin, int64_t end, int) {
    vectorize([=] {
      for (int64_t r = 0; r < rows; ++r) std::fill(y + r * d + begin, y + r * d + end, 0.0f);
      for (int64_t i = 0; i < n; ++i) {
        float* to = y + index[i] * d;
#pragma GCC ivdep
        for (int64_t c = begin; c < end; ++c) to[c] += values[i * d + c];
      }
    });
  });
}

void one_hot(const int32_t* index, int64_t n, int64_t depth, float* y) {
  check_range("one_hot", index, n, depth);
  parallel_ranges(n, rows_per_thread(depth), [=](int64_t begin, int64_t end, int) {
    std::fill(y + begin * depth, y + end * depth, 0.0f);
    for (int64_t i = begin; i < end; ++i) y[i * depth + index[i]] = 1;
  });
}

namespace {

/// A NaN in the row is the result.
inline float row_max(const float* x, int64_t n) {
  float most = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i) most = (x[i] > most) | (x[i] != x[i]) ? x[i] : most;
  return most;
}

}  // namespace

void softmax(const float* x, int64_t rows, int64_t n, float* y) {
  parallel_ranges(rows, rows_per_thread(4 * n), [=](int64_t begin, int64_t end, int) {
    vectorize([=] {
      for (int64_t r = begin; r < end; ++r) {
        const float* from = x + r * n;
        float* to = y + r * n;
        const float most = row_max(from, n);
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) to[i] = vm::exp(from[i] - most);
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += to[i];
        const auto scale = static_cast<float>(1 / sum);
        for (int64_t i = 0; i < n; ++i) to[i] *= scale;
      }
    });
  });
}

void log_softmax(const float* x, int64_t rows, int64_t n, float* y) {
  parallel_ranges(rows, rows_per_thread(4 * n), [=](int64_t begin, int64_t end, int) {
    vectorize([=] {
      constexpr int lanes = 16;
      for (int64_t r = begin; r < end; ++r) {
        const float* from = x + r * n;
        float* to = y + r * n;
        const float most = row_max(from, n);
        double sum = 0;
        for (int64_t i = 0; i < n; i += lanes) {
          float part[lanes];
          const int64_t count = std::min<int64_t>(lanes, n - i);
          for (int64_t l = 0; l < count; ++l) part[l] = vm::exp(from[i + l] - most);
          for (int64_t l = 0; l < count; ++l) sum += part[l];
        }
        const auto shift = static_cast<float>(std::log(sum));
        for (int64_t i = 0; i < n; ++i) to[i] = (from[i] - most) - shift;
      }
    });
  });
}

}  // namespace agon::cpu
