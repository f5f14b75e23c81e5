#include "agon/metrics.h"
#include "agon/safetensors.h"

#include "catch.h"
#include "metrics/features.h"

using namespace agon;
using namespace agon::test;

namespace {

/// Logits that are certain of class i mod classes for sample i.
Tensor certain(int64_t n, int64_t classes) {
  Tensor logits(DType::f32, {n, classes});
  for (int64_t i = 0; i < n; ++i) logits.as<float>()[static_cast<size_t>(i * classes + i % classes)] = 1000;
  return logits;
}

}  // namespace

// Were the ends of the scale wrong, collapse would look like variety or the other way round.
TEST_CASE("inception score is 1 for undecided or equal samples and the class count for balanced certainty") {
  CHECK(inception_score(Tensor(DType::f64, {50, 7})).mean == Approx(1).epsilon(1e-12));
  CHECK(inception_score(scaled(Tensor(DType::f64, {50, 3}), {0, 0, 0}, 4.5)).mean ==
        Approx(1).epsilon(1e-12));
  const MeanStd score = inception_score(certain(100, 10));
  CHECK(score.mean == Approx(10).epsilon(1e-12));
  CHECK(score.std == Approx(0).margin(1e-12));
}

// Were splits cut elsewhere or the deviation's divisor another, published figures could not be compared.
TEST_CASE("inception score equals scipy's over 1 and 10 uneven splits") {
  const auto golden = read_safetensors(AGON_SOURCE_DIR "/tests/fixtures/metrics.safetensors");
  const Tensor logits = scaled(uniform(2024, 5, 23, 7), {4}, 0);
  for (int splits : {1, 10}) {
    const auto want = golden.find(splits == 1 ? "logits/score_1" : "logits/score_10")->as<double>();
    const MeanStd score = inception_score(logits, splits);
    CHECK(score.mean == Approx(want[0]).epsilon(1e-12));
    CHECK(score.std == Approx(want[1]).margin(1e-13).epsilon(1e-12));
  }
  CHECK_THROWS_AS(inception_score(rows(logits, 0, 9)), Error);
}

// Were the estimate biased (the diagonal counted), equal laws would never score zero.
TEST_CASE("kernel distance of samples of one law is zero in the mean, and may be negative") {
  const Tensor all = uniform(9, 0, 1200, 6);
  const MeanStd same = kernel_distance(rows(all, 0, 600), rows(all, 600, 1200), {200, 100, 3});
  CHECK(same.std > 0);
  // Subsets overlap, so the mean's own error is that of about 600 / 100 independent ones.
  CHECK(std::abs(same.mean) < 3 * same.std / std::sqrt(6.0));
  const MeanStd other =
      kernel_distance(rows(all, 0, 600), scaled(rows(all, 600, 1200), {1.5}, 0.2), {20, 100, 3});
  CHECK(other.mean > 3 * other.std);
}

// Were the kernel or its normalisation wrong, KID would not be the field's.
TEST_CASE("kernel distance equals numpy's on a whole set, whatever the seed") {
  const auto golden = read_safetensors(AGON_SOURCE_DIR "/tests/fixtures/metrics.safetensors");
  const double want = golden.find("tall/kernel")->as<double>()[0];
  const MeanStd all = kernel_distance(rows(features(1, 40, 6), 0, 30), features(2, 30, 6), {3, 30, 11});
  CHECK(all.mean == Approx(want).epsilon(1e-12));
  CHECK(all.std == Approx(0).margin(1e-9 * want));
}

// Were the draw unseeded or with replacement, the figure would change from run to run.
TEST_CASE("kernel distance repeats for a seed, changes with it, and refuses subsets that are too large") {
  const Tensor a = features(1, 60, 4), b = features(2, 70, 4);
  CHECK(kernel_distance(a, b, {5, 20, 1}).mean == kernel_distance(a, b, {5, 20, 1}).mean);
  CHECK(kernel_distance(a, b, {5, 20, 1}).mean != kernel_distance(a, b, {5, 20, 2}).mean);
  CHECK_THROWS_AS(kernel_distance(a, b, {5, 61, 1}), Error);
  CHECK_THROWS_AS(kernel_distance(a, b), Error);
}

// Were rows and columns swapped, a class that is never recognised would pass for one that is over-used.
TEST_CASE("confusion matrix counts by label and prediction") {
  ConfusionMatrix matrix_(3);
  CHECK(std::isnan(matrix_.accuracy()));
  const std::vector<int32_t> labels{0, 0, 0, 1, 1}, predicted{0, 0, 1, 1, 2};
  matrix_.add(labels, predicted);
  CHECK(matrix_.count(0, 1) == 1);
  CHECK(matrix_.count(1, 0) == 0);
  CHECK(matrix_.total() == 5);
  CHECK(matrix_.accuracy() == Approx(0.6));
  CHECK(matrix_.recall()[0] == Approx(2.0 / 3));
  CHECK(matrix_.recall()[1] == Approx(0.5));
  CHECK(std::isnan(matrix_.recall()[2]));
  CHECK_THROWS_AS(matrix_.add(labels, std::vector<int32_t>{0}), Error);
  CHECK_THROWS_AS(matrix_.add(std::vector<int32_t>{3}, std::vector<int32_t>{0}), Error);
}

// Were ties broken by anything but order, predictions would differ between backends.
TEST_CASE("prediction is the first of the greatest logits") {
  CHECK(predict(matrix(3, 3, {1, 5, 5, -1, -2, -3, 0, 0, 0})) == std::vector<int32_t>{1, 0, 0});
}
