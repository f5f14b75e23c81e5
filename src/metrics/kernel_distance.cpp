#include <algorithm>
#include <numeric>
#include <utility>

#include "agon/metrics.h"
#include "agon/philox.h"

#include "metrics/linalg.h"
#include "metrics/mean_std.h"

namespace agon {
namespace {

/// `count` distinct rows, by the first steps of a Fisher-Yates shuffle.
Tensor draw_rows(const Tensor& matrix, int64_t count, PhiloxStream random) {
  const auto n = static_cast<uint32_t>(matrix.shape()[0]);
  const auto d = static_cast<size_t>(matrix.shape()[1]);
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  Tensor rows(DType::f64, {count, matrix.shape()[1]});
  for (uint32_t i = 0; i < static_cast<uint32_t>(count); ++i) {
    std::swap(order[i], order[i + random.below(n - i)]);
    const auto row = matrix.as<double>().subspan(order[i] * d, d);
    std::copy(row.begin(), row.end(), rows.as<double>().begin() + static_cast<int64_t>(i * d));
  }
  return rows;
}

/// Sum of (x.y / d + 1)^3 over all pairs of rows, or over all pairs but those of a row with itself.
double kernel_sum(const Tensor& x, const Tensor& y, bool skip_diagonal) {
  const Tensor products = linalg::product_nt(x, y);
  const double d = static_cast<double>(x.shape()[1]);
  const auto columns = static_cast<size_t>(products.shape()[1]);
  double sum = 0;
  const auto values = products.as<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    const double base = values[i] / d + 1;
    if (!skip_diagonal || i / columns != i % columns) sum += base * base * base;
  }
  return sum;
}

}  // namespace

MeanStd kernel_distance(const Tensor& a, const Tensor& b, const KernelDistanceOptions& options) {
  const Tensor x = linalg::as_matrix(a, "kernel distance: features");
  const Tensor y = linalg::as_matrix(b, "kernel distance: features");
  check(x.shape()[1] == y.shape()[1], ErrorKind::usage, "kernel distance: {} features against {}",
        x.shape()[1], y.shape()[1]);
  const int64_t fewest = std::min(x.shape()[0], y.shape()[0]), m = options.subset_size;
  check(options.subsets >= 1 && m >= 2 && m <= fewest, ErrorKind::usage,
        "kernel distance: {} subsets of {} from {} samples; make the subsets smaller", options.subsets, m,
        fewest);
  std::vector<double> estimates;
  for (int i = 0; i < options.subsets; ++i) {
    const auto step = static_cast<uint64_t>(i);
    const Tensor xs = draw_rows(x, m, PhiloxStream(options.seed, step, 0));
    const Tensor ys = draw_rows(y, m, PhiloxStream(options.seed, step, 1));
    const double pairs = static_cast<double>(m) * static_cast<double>(m);
    estimates.push_back((kernel_sum(xs, xs, true) + kernel_sum(ys, ys, true)) /
                            (pairs - static_cast<double>(m)) -
                        2 * kernel_sum(xs, ys, false) / pairs);
  }
  return mean_std(estimates);
}

}  // namespace agon
