#include "agon/classifier.h"
#include "agon/metrics.h"

#include "catch.h"
#include "metrics/feature_pass.h"
#include "metrics/features.h"
#include "support/shared_data.h"

using namespace agon;
using namespace agon::test;

// Were the classifier weak, the scores of a digit generator would measure the classifier.
TEST_CASE("the digits' classifier recognises held-back digits and separates real from noise") {
  const auto folder = shared_data("mnist", "the digits' classifier recognises held-back digits");
  if (!folder) return;
  const DatasetPtr digits = open_dataset("mnist:" + folder->string());
  const auto classifier = train_classifier(open_backend("cpu"), digits);
  CHECK(classifier->held_back()->total() == 1600);
  CHECK(classifier->held_back()->accuracy() >= 0.975);
  for (double recall : classifier->held_back()->recall()) CHECK(recall >= 0.93);

  const int64_t n = 2000;
  const Features real = classifier->extract(read_images(*digits, 0, 2 * n));
  CHECK(inception_score(real.logits).mean >= 9);
  Tensor noise(DType::u8, {n, 28, 28, 1});
  PhiloxStream random(1, 0, 0);
  for (uint8_t& v : noise.as<uint8_t>()) v = static_cast<uint8_t>(random.below(256));
  const Tensor half = rows(real.features, 0, n), other_half = rows(real.features, n, 2 * n);
  CHECK(frechet_distance(half, classifier->extract(noise).features) >
        100 * frechet_distance(half, other_half));
}
