#include "metrics/linalg.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

extern "C" {
void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
            const double* beta, double* c, const int* ldc);
void dsyrk_(const char* uplo, const char* trans, const int* n, const int* k, const double* alpha,
            const double* a, const int* lda, const double* beta, double* c, const int* ldc);
void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda, double* w,
             double* work, const int* lwork, int* iwork, const int* liwork, int* info);
void dgesdd_(const char* jobz, const int* m, const int* n, double* a, const int* lda, double* s, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork,
             int* info);
}

namespace agon::linalg {
namespace {

int narrow(int64_t extent) {
  check(extent <= std::numeric_limits<int>::max(), ErrorKind::unsupported,
        "linear algebra: an extent of {} exceeds LAPACK's integers", extent);
  return static_cast<int>(extent);
}

}  // namespace

Tensor as_matrix(const Tensor& matrix, const char* what) {
  check(matrix.shape().rank() == 2 && is_float(matrix.dtype()), ErrorKind::usage,
        "{}: a float matrix is needed, not {} {}", what, name_of(matrix.dtype()), matrix.shape().str());
  Tensor result = matrix.dtype() == DType::f64 ? matrix : matrix.to(DType::f64);
  for (double v : result.as<double>())
    check(std::isfinite(v), ErrorKind::numeric, "{}: NaN or infinity among the values", what);
  return result;
}

// BLAS is column-major: a row-major [m, k] is its [k, m].

Tensor product_nt(const Tensor& a, const Tensor& b) {
  check(a.shape()[1] == b.shape()[1], ErrorKind::internal, "product of {} and {}^T", a.shape().str(),
        b.shape().str());
  Tensor c(DType::f64, {a.shape()[0], b.shape()[0]});
  if (c.numel() == 0 || a.shape()[1] == 0) return c;
  const int m = narrow(a.shape()[0]), n = narrow(b.shape()[0]), k = narrow(a.shape()[1]);
  const double one = 1, zero = 0;
  dgemm_("T", "N", &n, &m, &k, &one, b.as<double>().data(), &k, a.as<double>().data(), &k, &zero,
         c.as<double>().data(), &n);
  return c;
}

void add_gram_upper(std::span<const double> x, int64_t rows, int64_t d, std::span<double> s) {
  const int n = narrow(d), k = narrow(rows);
  const double one = 1;
  dsyrk_("L", "N", &n, &k, &one, x.data(), &n, &one, s.data(), &n);
}

Tensor root(const Tensor& s) {
  Tensor g = s.clone();
  const int n = narrow(s.shape()[0]), query = -1;
  std::vector<double> eigenvalues(static_cast<size_t>(n));
  double work_size = 0;
  int iwork_size = 0, info = 0;
  auto values = g.as<double>();
  dsyevd_("V", "L", &n, values.data(), &n, eigenvalues.data(), &work_size, &query, &iwork_size, &query,
          &info);
  std::vector<double> work(static_cast<size_t>(work_size));
  std::vector<int> iwork(static_cast<size_t>(iwork_size));
  const int lwork = static_cast<int>(work.size());
  dsyevd_("V", "L", &n, values.data(), &n, eigenvalues.data(), work.data(), &lwork, iwork.data(), &iwork_size,
          &info);
  check(info == 0, ErrorKind::numeric, "eigenvalues of a {0} x {0} covariance: dsyevd gave up ({1})", n,
        info);
  // Row i now holds eigenvector i.
  for (size_t i = 0; i < eigenvalues.size(); ++i) {
    const double scale = std::sqrt(std::max(eigenvalues[i], 0.0));
    for (double& v : values.subspan(i * eigenvalues.size(), eigenvalues.size())) v *= scale;
  }
  return g;
}

double nuclear_norm(const Tensor& matrix) {
  const int m = narrow(matrix.shape()[1]), n = narrow(matrix.shape()[0]), query = -1, one = 1;
  if (matrix.numel() == 0) return 0;
  Tensor copy = matrix.clone();
  std::vector<double> singular(static_cast<size_t>(std::min(m, n)));
  std::vector<int> iwork(8 * singular.size());
  double work_size = 0, unused = 0;
  int info = 0;
  double* values = copy.as<double>().data();
  dgesdd_("N", &m, &n, values, &m, singular.data(), &unused, &one, &unused, &one, &work_size, &query,
          iwork.data(), &info);
  std::vector<double> work(static_cast<size_t>(work_size));
  const int lwork = static_cast<int>(work.size());
  dgesdd_("N", &m, &n, values, &m, singular.data(), &unused, &one, &unused, &one, work.data(), &lwork,
          iwork.data(), &info);
  check(info == 0, ErrorKind::numeric, "singular values of {}: dgesdd gave up ({})", matrix.shape().str(),
        info);
  return std::accumulate(singular.begin(), singular.end(), 0.0);
}

}  // namespace agon::linalg
