#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "agon/tensor.h"

/// The statistics behind GAN scores, in double whatever the dtype of the features (f32 or f64 tensors [n, d],
/// one row a sample). Non-finite features throw Error(numeric), shapes that do not fit Error(usage).
namespace agon {

/// A mean over splits or subsets, with its standard deviation (ddof 0).
struct MeanStd {
  double mean = 0, std = 0;
};

/// A Gaussian fitted to `n` samples.
struct Gaussian {
  int64_t n = 0;
  Tensor mean;        ///< f64 [d]
  Tensor covariance;  ///< f64 [d, d], unbiased (ddof 1, as numpy.cov)
};

/// Streaming mean and covariance. Rows are summed up in blocks of fixed size, each centred on its own mean,
/// so the result does not depend on how the rows were split into batches (bitwise) nor lose digits to a large
/// mean (Chan, Golub, LeVeque 1983).
class Moments {
 public:
  explicit Moments(int64_t dimension);

  /// `rows` is [n, dimension].
  void add(const Tensor& rows);
  /// As if the rows of `other` had been added here, up to rounding.
  void merge(const Moments& other);

  int64_t count() const { return count_ + pending_; }
  int64_t dimension() const { return dimension_; }
  /// Throws Error(usage) for fewer than two rows.
  Gaussian gaussian() const;

 private:
  void flush();

  int64_t dimension_, count_ = 0, pending_ = 0;
  std::vector<double> mean_, scatter_, block_;
};

/// |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2) (Dowson, Landau 1982; Heusel et al. 2017, "FID").
/// The last trace is the sum of the square roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), got as singular
/// values of S1^(1/2) S2^(1/2): it never turns complex and is accurate for singular covariances.
double frechet_distance(const Gaussian& a, const Gaussian& b);
/// The same from features [n1, d] and [n2, d], n1, n2 >= 2. A set with fewer rows than columns stands for its
/// own covariance's root, which costs n instead of d.
double frechet_distance(const Tensor& a, const Tensor& b);

/// exp(E KL(p(y|x) || p(y))) from logits [n, classes] (Salimans et al. 2016): mean over `splits` runs of
/// consecutive samples [i n / splits, (i + 1) n / splits). Between 1 and the number of classes. The estimate
/// grows with n / splits. Needs n >= splits.
MeanStd inception_score(const Tensor& logits, int splits = 10);

struct KernelDistanceOptions {
  int subsets = 100;
  int64_t subset_size = 1000;  ///< drawn without replacement; must not exceed either set
  uint64_t seed = 0;
};
/// Kernel inception distance (Binkowski et al. 2018): the unbiased estimate of the squared maximum mean
/// discrepancy with kernel (x.y / d + 1)^3, mean and deviation over random subsets. May be negative.
MeanStd kernel_distance(const Tensor& a, const Tensor& b, const KernelDistanceOptions& options = {});

/// The index of the greatest logit of each row (the first of equals).
std::vector<int32_t> predict(const Tensor& logits);

/// What a classifier says of labelled samples.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int classes);

  /// Throws Error(usage) on unequal lengths or a class out of range.
  void add(std::span<const int32_t> labels, std::span<const int32_t> predictions);

  int classes() const { return classes_; }
  /// Samples of class `label` that were taken for `prediction`.
  int64_t count(int label, int prediction) const;
  int64_t total() const;
  /// Share of correct predictions; NaN without samples.
  double accuracy() const;
  /// Per class: the share of its samples that were recognised; NaN for a class without samples.
  std::vector<double> recall() const;

 private:
  int classes_;
  std::vector<int64_t> counts_;
};

}  // namespace agon
