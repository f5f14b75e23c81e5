#pragma once
#include <cstdint>
#include <span>

#include "agon/tensor.h"

// Dense double-precision linear algebra on row-major matrices, by BLAS and LAPACK.
namespace agon::linalg {

/// The matrix as f64 [rows, columns]; a copy unless it is f64. Throws Error(usage) unless it is a float
/// tensor of rank 2, Error(numeric) where an element is not finite; `what` names it in the message.
Tensor as_matrix(const Tensor& matrix, const char* what);

/// a b^T of [m, k] and [n, k].
Tensor product_nt(const Tensor& a, const Tensor& b);

/// s += x^T x for x [rows, d], in the upper triangle of s [d, d].
void add_gram_upper(std::span<const double> x, int64_t rows, int64_t d, std::span<double> s);

/// g [d, d] with g^T g = s for a symmetric s, whose negative eigenvalues (rounding) count as 0.
Tensor root(const Tensor& s);

/// The sum of the singular values.
double nuclear_norm(const Tensor& matrix);

}  // namespace agon::linalg
