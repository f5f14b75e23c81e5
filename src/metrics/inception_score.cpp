#include <algorithm>
#include <cmath>

#include "agon/metrics.h"

#include "metrics/linalg.h"
#include "metrics/mean_std.h"

namespace agon {
namespace {

/// log softmax of each row, in place.
void log_softmax_rows(std::span<double> values, size_t classes) {
  for (size_t at = 0; at < values.size(); at += classes) {
    auto row = values.subspan(at, classes);
    const double top = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (double v : row) sum += std::exp(v - top);
    const double log_sum = top + std::log(sum);
    for (double& v : row) v -= log_sum;
  }
}

/// exp(mean KL(p(y|x) || p(y))) over the rows of log probabilities.
double score(std::span<const double> log_p, size_t classes) {
  std::vector<double> marginal(classes);
  const double rows = static_cast<double>(log_p.size() / classes);
  double sum = 0;  // of p log p
  for (size_t i = 0; i < log_p.size(); ++i) {
    const double p = std::exp(log_p[i]);
    marginal[i % classes] += p;
    sum += p > 0 ? p * log_p[i] : 0;
  }
  for (double m : marginal) sum -= m > 0 ? m * std::log(m / rows) : 0;
  return std::exp(sum / rows);
}

}  // namespace

MeanStd inception_score(const Tensor& logits, int splits) {
  const Tensor log_p = linalg::as_matrix(logits, "inception score: logits").clone();
  const int64_t n = log_p.shape()[0], classes = log_p.shape()[1];
  check(splits >= 1 && n >= splits && classes >= 1, ErrorKind::usage,
        "inception score: {} samples of {} classes in {} splits", n, classes, splits);
  log_softmax_rows(log_p.as<double>(), static_cast<size_t>(classes));
  std::vector<double> scores;
  for (int64_t i = 0; i < splits; ++i) {
    const int64_t begin = i * n / splits, end = (i + 1) * n / splits;
    scores.push_back(score(log_p.as<double>().subspan(static_cast<size_t>(begin * classes),
                                                      static_cast<size_t>((end - begin) * classes)),
                           static_cast<size_t>(classes)));
  }
  return mean_std(scores);
}

}  // namespace agon
