#include "agon/evaluate.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "metrics/feature_pass.h"
#include "metrics/toy.h"
#include "support/scratch.h"

using namespace agon;
using namespace agon::test;

namespace {

/// Images of the set itself, from its start.
ImageSampler images_of(DatasetPtr dataset) {
  return [dataset, at = int64_t{0}](int64_t count) mutable {
    at += count;
    return read_images(*dataset, at - count, count);
  };
}

Tensor grey(int64_t count, uint8_t value) {
  Tensor images(DType::u8, {count, 16, 16, 1});
  for (uint8_t& v : images.as<uint8_t>()) v = value;
  return images;
}

}  // namespace

// Were the generated and the real side treated differently, real images would not score as real.
TEST_CASE("the data set's own images are at distance zero and reach the reference score") {
  const auto toy = std::make_shared<ToyDataset>(1500);
  Evaluator evaluator(std::make_shared<QuadrantExtractor>(), toy, {.samples = 1500});
  const Evaluation self = evaluator.evaluate(images_of(toy));
  CHECK(std::abs(self.fid) < 1e-9);
  CHECK(self.inception_score.mean == evaluator.reference_inception_score().mean);
  CHECK(self.inception_score.mean > 2.9);
  CHECK(self.generated_classes == std::vector<int64_t>{500, 500, 500});
  CHECK(self.reference_samples == 1500);

  const Evaluation collapsed = evaluator.evaluate([](int64_t count) { return grey(count, 90); });
  CHECK(collapsed.fid > 1);
  CHECK(collapsed.inception_score.mean == Approx(1));
}

// Were the reference computed for every evaluation, scoring during training would cost twice.
TEST_CASE("reference statistics are computed once, and found on disk by the next evaluator") {
  const Scratch scratch;
  const auto toy = std::make_shared<ToyDataset>(300);
  const EvaluateOptions options{.samples = 20, .kernel_distance = true, .cache = scratch.path() / "cache"};
  const auto evaluate = [&](const EvaluateOptions& with, int64_t expected_images) {
    const auto extractor = std::make_shared<QuadrantExtractor>();
    Evaluator evaluator(extractor, toy, with);
    const Evaluation first = evaluator.evaluate(images_of(toy));
    evaluator.evaluate(images_of(toy));
    CHECK(extractor->extracted == expected_images);
    return first;
  };
  const Evaluation computed = evaluate(options, 300 + 40), cached = evaluate(options, 40);
  CHECK(cached.fid == computed.fid);
  CHECK(cached.kernel_distance->mean == computed.kernel_distance->mean);
  EvaluateOptions fewer = options;
  fewer.reference = 200;
  evaluate(fewer, 200 + 40);

  for (const auto& entry : std::filesystem::directory_iterator(options.cache))
    std::filesystem::resize_file(entry.path(), 100);
  CHECK(evaluate(options, 300 + 40).fid == computed.fid);
}

// Were a field renamed, the scripts that read `eval --json` would break.
TEST_CASE("the report has the documented fields") {
  const auto toy = std::make_shared<ToyDataset>(300);
  Evaluator evaluator(std::make_shared<QuadrantExtractor>(), toy, {.samples = 60, .kernel_distance = true});
  Evaluation evaluation = evaluator.evaluate(images_of(toy));
  auto json = nlohmann::json::parse(to_json(evaluation));
  for (const char* metric : {"inception_score", "fid", "kernel_distance"}) {
    CHECK(json[metric]["mean"].is_number());
    CHECK(json[metric]["extractor"] == "quadrants");
    CHECK(json[metric]["protocol"] == "mean of 8x8");
    CHECK(json[metric]["n"] == 60);
  }
  CHECK(json["inception_score"]["std"].is_number());
  CHECK(json["fid"]["mean"] == evaluation.fid);
  CHECK(json["fid"]["reference"] == "toy 300");
  CHECK(json["fid"]["n_reference"] == 300);
  CHECK(json["generated_classes"] == std::vector<int64_t>{20, 20, 20});
  CHECK_FALSE(json.contains("accuracy"));

  evaluation.held_back = ConfusionMatrix(3);
  evaluation.held_back->add(std::vector<int32_t>{0, 0, 1, 1}, std::vector<int32_t>{0, 1, 1, 1});
  json = nlohmann::json::parse(to_json(evaluation));
  CHECK(json["accuracy"] == 0.75);
  CHECK(json["confusion"][0][1] == 1);
  CHECK(json["recall"][0] == 0.5);
  CHECK(json["recall"][2].is_null());
}

// Were wrong input let through, a score would be computed from other images than were asked for.
TEST_CASE("evaluation refuses too few images and samplers that give another count") {
  const auto toy = std::make_shared<ToyDataset>(300);
  const auto extractor = std::make_shared<QuadrantExtractor>();
  CHECK_THROWS_AS(Evaluator(extractor, toy, {.samples = 5}), Error);
  Evaluator tiny(extractor, std::make_shared<ToyDataset>(6), {.samples = 20});
  CHECK_THROWS_AS(tiny.evaluate(images_of(toy)), Error);
  Evaluator evaluator(extractor, toy, {.samples = 20});
  CHECK_THROWS_AS(evaluator.evaluate([](int64_t count) { return grey(count - 1, 0); }), Error);
}

// Were images lost or repeated between calls, the samples would not be independent draws.
TEST_CASE("an image sampler gives the same sequence whatever is asked for at a time") {
  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto make = [&] {
    Graph graph;
    graph.output("images", graph.random_uniform({5, 4, 3, 1}) * 2.0 - 1.0);
    return image_sampler(backend->compile(graph, *store, {.seed = 3}), 7);
  };
  const Tensor all = make()(13);
  CHECK(all.shape() == Shape{13, 4, 3, 1});
  auto parts = make();
  std::vector<uint8_t> joined;
  for (int64_t count : {2, 3, 1, 7}) {
    const Tensor part = parts(count);
    joined.insert(joined.end(), part.as<uint8_t>().begin(), part.as<uint8_t>().end());
  }
  CHECK(std::equal(joined.begin(), joined.end(), all.as<uint8_t>().begin(), all.as<uint8_t>().end()));
}
