#include <cmath>

#include "agon/metrics.h"

#include "metrics/linalg.h"

namespace agon {
namespace {

/// A Gaussian by its mean and a root of its covariance: S = root^T root.
struct Rooted {
  Tensor mean, root;
};

Rooted rooted(const Gaussian& g) {
  const Shape& shape = g.covariance.shape();
  check(shape.rank() == 2 && shape[0] == shape[1] && g.mean.shape() == Shape{shape[0]}, ErrorKind::usage,
        "Frechet distance: a mean {} with a covariance {}", g.mean.shape().str(), shape.str());
  const Tensor mean = linalg::as_matrix(g.mean.reshaped({1, shape[0]}), "Frechet distance: mean");
  return {mean, linalg::root(linalg::as_matrix(g.covariance, "Frechet distance: covariance"))};
}

Rooted rooted(const Tensor& features) {
  const Tensor matrix = linalg::as_matrix(features, "Frechet distance: features");
  const int64_t n = matrix.shape()[0], d = matrix.shape()[1];
  check(n >= 2, ErrorKind::usage, "Frechet distance: at least two samples are needed, not {}", n);
  if (n >= d) {
    Moments moments(d);
    moments.add(matrix);
    return rooted(moments.gaussian());
  }
  Rooted result{Tensor(DType::f64, {1, d}), matrix.clone()};
  auto mean = result.mean.as<double>(), rows = result.root.as<double>();
  for (size_t i = 0; i < rows.size(); ++i) mean[i % mean.size()] += rows[i] / static_cast<double>(n);
  const double scale = 1 / std::sqrt(static_cast<double>(n - 1));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = (rows[i] - mean[i % mean.size()]) * scale;
  return result;
}

double sum_of_squares(const Tensor& t) {
  double sum = 0;
  for (double v : t.as<double>()) sum += v * v;
  return sum;
}

double distance(const Rooted& a, const Rooted& b) {
  check(a.mean.shape() == b.mean.shape(), ErrorKind::usage, "Frechet distance: {} features against {}",
        a.mean.numel(), b.mean.numel());
  double means = 0;
  for (size_t i = 0; i < a.mean.as<double>().size(); ++i) {
    const double difference = a.mean.as<double>()[i] - b.mean.as<double>()[i];
    means += difference * difference;
  }
  // tr S = |root|^2 and tr (S1 S2)^(1/2) = |root1 root2^T|_* (nuclear norm).
  return means + sum_of_squares(a.root) + sum_of_squares(b.root) -
         2 * linalg::nuclear_norm(linalg::product_nt(a.root, b.root));
}

}  // namespace

double frechet_distance(const Gaussian& a, const Gaussian& b) {
  return distance(rooted(a), rooted(b));
}

double frechet_distance(const Tensor& a, const Tensor& b) {
  return distance(rooted(a), rooted(b));
}

}  // namespace agon
