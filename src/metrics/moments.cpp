#include <algorithm>

#include "agon/metrics.h"

#include "metrics/linalg.h"

namespace agon {
namespace {

constexpr int64_t rows_per_block = 256;

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

}  // namespace

Moments::Moments(int64_t dimension) : dimension_(dimension) {
  check(dimension >= 1, ErrorKind::usage, "moments: {} features", dimension);
  mean_.resize(index(dimension));
  scatter_.resize(index(dimension * dimension));
  block_.resize(index(rows_per_block * dimension));
}

void Moments::add(const Tensor& rows) {
  const Tensor matrix = linalg::as_matrix(rows, "moments");
  check(matrix.shape()[1] == dimension_, ErrorKind::usage, "moments: {} features where {} are expected",
        matrix.shape()[1], dimension_);
  auto values = matrix.as<double>();
  while (!values.empty()) {
    const int64_t taken =
        std::min(static_cast<int64_t>(values.size()) / dimension_, rows_per_block - pending_);
    const auto part = values.first(index(taken * dimension_));
    std::copy(part.begin(), part.end(), block_.begin() + pending_ * dimension_);
    values = values.subspan(part.size());
    pending_ += taken;
    if (pending_ == rows_per_block) flush();
  }
}

void Moments::flush() {
  if (pending_ == 0) return;
  const int64_t d = dimension_, rows = pending_;
  std::vector<double> mean(index(d));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < d; ++j) mean[index(j)] += block_[index(i * d + j)];
  for (double& m : mean) m /= static_cast<double>(rows);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < d; ++j) block_[index(i * d + j)] -= mean[index(j)];
  linalg::add_gram_upper(std::span(block_).first(index(rows * d)), rows, d, scatter_);

  // The two sets' means differ by delta: their scatter adds up plus delta delta^T n1 n2 / (n1 + n2).
  const double before = static_cast<double>(count_), now = static_cast<double>(rows), all = before + now;
  for (int64_t j = 0; j < d; ++j) mean[index(j)] -= mean_[index(j)];
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = i; j < d; ++j)
      scatter_[index(i * d + j)] += mean[index(i)] * mean[index(j)] * (before * now / all);
  for (int64_t j = 0; j < d; ++j) mean_[index(j)] += mean[index(j)] * (now / all);
  count_ += rows;
  pending_ = 0;
}

void Moments::merge(const Moments& other) {
  check(other.dimension_ == dimension_, ErrorKind::usage, "moments: {} features merged into {}",
        other.dimension_, dimension_);
  Moments theirs = other;
  theirs.flush();
  flush();
  if (theirs.count_ == 0) return;
  const int64_t d = dimension_;
  const double before = static_cast<double>(count_), now = static_cast<double>(theirs.count_),
               all = before + now;
  for (int64_t j = 0; j < d; ++j) theirs.mean_[index(j)] -= mean_[index(j)];
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = i; j < d; ++j)
      scatter_[index(i * d + j)] += theirs.scatter_[index(i * d + j)] +
                                    theirs.mean_[index(i)] * theirs.mean_[index(j)] * (before * now / all);
  for (int64_t j = 0; j < d; ++j) mean_[index(j)] += theirs.mean_[index(j)] * (now / all);
  count_ += theirs.count_;
}

Gaussian Moments::gaussian() const {
  check(count() >= 2, ErrorKind::usage, "a covariance needs at least two samples, not {}", count());
  Moments sums = *this;
  sums.flush();
  const int64_t d = dimension_;
  Gaussian result{sums.count_, Tensor::of<double>({d}, sums.mean_), Tensor(DType::f64, {d, d})};
  auto covariance = result.covariance.as<double>();
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = i; j < d; ++j)
      covariance[index(i * d + j)] = covariance[index(j * d + i)] =
          sums.scatter_[index(i * d + j)] / static_cast<double>(sums.count_ - 1);
  return result;
}

}  // namespace agon
