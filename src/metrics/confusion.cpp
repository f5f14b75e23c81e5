#include <algorithm>
#include <limits>
#include <numeric>

#include "agon/metrics.h"

#include "metrics/linalg.h"

namespace agon {

std::vector<int32_t> predict(const Tensor& logits) {
  const Tensor matrix = linalg::as_matrix(logits, "predictions: logits");
  const auto classes = static_cast<size_t>(matrix.shape()[1]);
  check(classes >= 1, ErrorKind::usage, "predictions: logits {} without classes", matrix.shape().str());
  std::vector<int32_t> result;
  for (auto rest = matrix.as<double>(); !rest.empty(); rest = rest.subspan(classes)) {
    const auto row = rest.first(classes);
    result.push_back(static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin()));
  }
  return result;
}

ConfusionMatrix::ConfusionMatrix(int classes) : classes_(classes) {
  check(classes >= 1, ErrorKind::usage, "confusion matrix of {} classes", classes);
  counts_.resize(static_cast<size_t>(classes) * static_cast<size_t>(classes));
}

void ConfusionMatrix::add(std::span<const int32_t> labels, std::span<const int32_t> predictions) {
  check(labels.size() == predictions.size(), ErrorKind::usage, "confusion matrix: {} labels, {} predictions",
        labels.size(), predictions.size());
  for (auto side : {labels, predictions})
    for (int32_t c : side)
      check(c >= 0 && c < classes_, ErrorKind::usage, "confusion matrix: class {} of {}", c, classes_);
  for (size_t i = 0; i < labels.size(); ++i)
    ++counts_[static_cast<size_t>(labels[i]) * static_cast<size_t>(classes_) +
              static_cast<size_t>(predictions[i])];
}

int64_t ConfusionMatrix::count(int label, int prediction) const {
  check(label >= 0 && label < classes_ && prediction >= 0 && prediction < classes_, ErrorKind::usage,
        "confusion matrix: entry ({}, {}) of {} classes", label, prediction, classes_);
  return counts_[static_cast<size_t>(label) * static_cast<size_t>(classes_) +
                 static_cast<size_t>(prediction)];
}

int64_t ConfusionMatrix::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

double ConfusionMatrix::accuracy() const {
  int64_t correct = 0;
  for (int c = 0; c < classes_; ++c) correct += count(c, c);
  const int64_t all = total();
  return all > 0 ? static_cast<double>(correct) / static_cast<double>(all)
                 : std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> ConfusionMatrix::recall() const {
  std::vector<double> result;
  for (int c = 0; c < classes_; ++c) {
    const auto row = counts_.begin() + static_cast<int64_t>(c) * classes_;
    const int64_t members = std::accumulate(row, row + classes_, int64_t{0});
    result.push_back(members > 0 ? static_cast<double>(count(c, c)) / static_cast<double>(members)
                                 : std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

}  // namespace agon
