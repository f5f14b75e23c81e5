#include "backend/cpu/kernels/spectral_norm.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 32768;  // elements of w that a thread should have
constexpr int64_t tile = 256;     // columns summed together
constexpr int64_t run_rows = 16;  // rows summed in f32
constexpr int64_t lanes = 64, run_lines = 16;

int64_t share(int64_t each) {
  return std::max<int64_t>(1, grain / each);
}

/// sums[c] = sum over rows of u w, for the columns [begin, end).
inline void weigh_columns(const float* w, const float* u, int64_t rows, int64_t columns, int64_t begin,
                          int64_t end, double* sums) {
  float part[tile];
  for (int64_t first = begin; first < end; first += tile) {
    const int64_t width = std::min(tile, end - first);
    for (int64_t c = 0; c < width; ++c) sums[first + c] = 0;
    for (int64_t row = 0; row < rows; row += run_rows) {
      for (int64_t c = 0; c < width; ++c) part[c] = 0;
      for (int64_t r = row; r < std::min(rows, row + run_rows); ++r) {
        const float by = u[r];
        const float* const line = w + r * columns + first;
        for (int64_t c = 0; c < width; ++c) part[c] += by * line[c];
      }
      for (int64_t c = 0; c < width; ++c) sums[first + c] += static_cast<double>(part[c]);
    }
  }
}

inline double dot(const float* a, const float* b, int64_t n) {
  double total[lanes] = {};
  int64_t i = 0;
  while (i + lanes <= n) {
    float part[lanes] = {};
    for (int64_t line = 0; line < run_lines && i + lanes <= n; ++line, i += lanes)
      for (int64_t k = 0; k < lanes; ++k) part[k] += a[i + k] * b[i + k];
    for (int64_t k = 0; k < lanes; ++k) total[k] += static_cast<double>(part[k]);
  }
  for (; i < n; ++i) total[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (int64_t half = lanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) total[k] += total[k + half];
  return total[0];
}

/// 1 / max(|x|, least).
double inverse_norm(const double* x, int64_t n, double least) {
  double square = 0;
  for (int64_t i = 0; i < n; ++i) square += x[i] * x[i];
  return 1 / std::max(std::sqrt(square), least);
}

}  // namespace

void SpectralNormKernel::run(const float* w, const float* u, float* y, float* sigma, float* new_u, float* v,
                             void* scratch) const {
  auto* const column_sums = static_cast<double*>(scratch);
  double* const product = column_sums + columns;
  const int64_t height = rows, width = columns;
  parallel_ranges(columns, (share(rows) + tile - 1) / tile * tile, [=](int64_t begin, int64_t end, int) {
    vectorize([=] { weigh_columns(w, u, height, width, begin, end, column_sums); });
  });
  const double by = inverse_norm(column_sums, columns, eps);
  for (int64_t c = 0; c < columns; ++c) v[c] = static_cast<float>(column_sums[c] * by);
  parallel_ranges(rows, share(columns), [=](int64_t begin, int64_t end, int) {
    vectorize([=] {
      for (int64_t r = begin; r < end; ++r) product[r] = dot(w + r * width, v, width);
    });
  });
  const double scale = iterate ? inverse_norm(product, rows, eps) : 1;
  double along = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const double turned = iterate ? product[r] * scale : static_cast<double>(u[r]);
    along += turned * product[r];
    new_u[r] = static_cast<float>(turned);
  }
  const auto divisor = static_cast<float>(along);
  *sigma = divisor;
  parallel_ranges(rows * columns, grain, [=](int64_t begin, int64_t end, int) {
    vectorize([=] {
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i) y[i] = w[i] / divisor;
    });
  });
}

}  // namespace agon::cpu
