#include "agon/classifier.h"

#include "catch.h"
#include "metrics/feature_pass.h"
#include "metrics/toy.h"
#include "support/scratch.h"

using namespace agon;
using namespace agon::test;

namespace {

ClassifierOptions quick() {
  return {.steps = 40, .batch_size = 16};
}

}  // namespace

// Were the classifier not to learn, features, scores and accuracy would say nothing of the images.
TEST_CASE("a classifier learns classes and says how well on images it did not see") {
  const auto toy = std::make_shared<ToyDataset>(400);
  const auto classifier = train_classifier(open_backend("reference"), toy, quick());
  CHECK(classifier->held_back()->total() == 80);
  CHECK(classifier->held_back()->accuracy() >= 0.95);
  CHECK(classifier->info().classes == 3);

  const Features seen = classifier->extract(read_images(*toy, 0, 130));
  CHECK(seen.features.shape() == Shape{130, classifier->info().features});
  CHECK(seen.logits.shape() == Shape{130, 3});
  for (double v : seen.features.as<double>()) CHECK(v >= 0);  // after ReLU
}

// Were a stale or damaged file believed, scores would come from a classifier of other data.
TEST_CASE("a trained classifier is kept and found again, by data set and options") {
  const Scratch scratch;
  const auto toy = std::make_shared<ToyDataset>(100);
  bool trained = false;
  ClassifierOptions options = quick();
  options.steps = 2;
  options.cache = scratch.path() / "cache";
  options.progress = [&](double) { trained = true; };
  const auto weights = [&](uint64_t size) {
    trained = false;
    return train_classifier(open_backend("reference"), std::make_shared<ToyDataset>(size), options)
        ->info()
        .weights;
  };
  const std::string first = weights(100);
  CHECK(trained);
  CHECK(weights(100) == first);
  CHECK_FALSE(trained);
  CHECK(weights(105) != first);
  CHECK(trained);
  options.seed = 1;
  CHECK(weights(100) != first);
  CHECK(trained);
  options.seed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(options.cache))
    std::filesystem::resize_file(entry.path(), 200);
  CHECK(weights(100) == first);
  CHECK(trained);
}

// Were unlabelled sets left without an extractor, folders of plain images could not be scored.
TEST_CASE("without labels the digits' classifier is the extractor") {
  const auto plain = std::make_shared<ToyDataset>(50, false);
  CHECK_THROWS_AS(train_classifier(open_backend("reference"), plain, quick()), Error);
  ClassifierOptions options = quick();
  options.steps = 1;
  options.judged = 20;
  const auto extractor = default_extractor(open_backend("reference"), plain, options);
  CHECK(extractor->info().classes == 10);
  CHECK(extractor->held_back()->total() == 20);
  CHECK(extractor->extract(read_images(*plain, 0, 3)).features.shape()[0] == 3);
}

// Were the smallest sets accepted, nothing would be left to judge by.
TEST_CASE("a data set too small to hold a fifth back is refused") {
  CHECK_THROWS_AS(train_classifier(open_backend("reference"), std::make_shared<ToyDataset>(4), quick()),
                  Error);
}
