#pragma once
#include <cmath>
#include <initializer_list>
#include <vector>

#include "agon/philox.h"
#include "agon/tensor.h"

namespace agon::test {

inline Tensor matrix(int64_t rows, int64_t columns, const std::vector<double>& values) {
  return Tensor::of<double>({rows, columns}, values);
}

/// Philox uniforms in [-1, 1), as `signed` of tools/goldens/philox.py.
inline Tensor uniform(uint64_t seed, uint32_t stream, int64_t rows, int64_t columns) {
  Tensor result(DType::f64, {rows, columns});
  PhiloxStream random(seed, 0, stream);
  for (double& v : result.as<double>()) v = 2.0 * random.uniform() - 1.0;
  return result;
}

/// `features` of tools/goldens/make_metrics.py.
inline Tensor features(uint32_t stream, int64_t rows, int64_t columns) {
  const Tensor x = uniform(2024, stream, rows, columns);
  Tensor y = x.clone();
  const auto from = x.as<double>(), to = y.as<double>();
  for (size_t i = 0; i < to.size(); ++i) {
    if (i % static_cast<size_t>(columns) != 0) to[i] += from[i - 1] * from[i - 1];
    to[i] += stream;
  }
  return y;
}

/// Rows begin .. end-1.
inline Tensor rows(const Tensor& m, int64_t begin, int64_t end) {
  const int64_t d = m.shape()[1];
  return Tensor::of<double>({end - begin, d}, m.as<double>().subspan(static_cast<size_t>(begin * d),
                                                                     static_cast<size_t>((end - begin) * d)));
}

/// Each column j scaled by scale[j] and shifted by shift.
inline Tensor scaled(const Tensor& m, const std::vector<double>& scale, double shift) {
  Tensor result = m.clone();
  auto values = result.as<double>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = values[i] * scale[i % scale.size()] + shift;
  return result;
}

/// a b of f64 matrices.
inline Tensor product(const Tensor& a, const Tensor& b) {
  const int64_t m = a.shape()[0], k = a.shape()[1], n = b.shape()[1];
  Tensor c(DType::f64, {m, n});
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        c.as<double>()[static_cast<size_t>(i * n + j)] +=
            a.as<double>()[static_cast<size_t>(i * k + l)] * b.as<double>()[static_cast<size_t>(l * n + j)];
  return c;
}

inline double largest_difference(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (size_t i = 0; i < a.as<double>().size(); ++i)
    worst = std::max(worst, std::abs(a.as<double>()[i] - b.as<double>()[i]));
  return worst;
}

}  // namespace agon::test
