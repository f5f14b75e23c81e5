#include <algorithm>
#include <cmath>

#include "agon/error.h"
#include "agon/philox.h"

#include "catch.h"
#include "gan/optimizer.h"
#include "gan/reference_run.h"

using namespace agon;

namespace {

Config tiny(std::vector<std::string> settings = {}) {
  Config config = Config::preset("dcgan-mnist");
  for (const char* s :
       {"data.height=8", "data.width=8", "vars.nz=4", "vars.ngf=2", "vars.ndf=2", "vars.nfc=8"})
    config.set(s);
  for (const auto& s : settings) config.set(s);
  return config;
}

Tensor noise(Shape shape, uint32_t stream) {
  Tensor t(DType::f64, shape);
  PhiloxStream draw(5, 0, stream);
  for (double& v : t.as<double>()) v = 2 * draw.uniform() - 1;
  return t;
}

std::vector<double> values(const Tensor& tensor) {
  const auto v = tensor.as<double>();
  return {v.begin(), v.end()};
}

const Tensor& find(const std::vector<NamedTensor>& tensors, std::string_view name) {
  return std::ranges::find(tensors, name, &NamedTensor::name)->tensor;
}

}  // namespace

// Samples of the average would be those of the live generator, or drift from it wrongly.
TEST_CASE("the average of the generator follows by its weight", "[game]") {
  ReferenceRun run(tiny({"players.G.ema.decay=0.75", "players.G.ema.warmup=false"}));
  const auto before = run.game.export_network(*run.store, "G", true);
  run.run(run.game.iteration(4), 0, {{"real", noise({4, 8, 8, 1}, 1)}});
  const auto live = run.game.export_network(*run.store, "G"),
             average = run.game.export_network(*run.store, "G", true);
  for (const char* name : {"main.0.weight", "main.1.running_mean", "main.1.running_var"}) {
    const auto a = values(find(before, name)), b = values(find(live, name)), c = values(find(average, name));
    CHECK(a != b);
    for (size_t i = 0; i < a.size(); ++i)
      CHECK(c[i] == Approx(0.75 * a[i] + 0.25 * b[i]).epsilon(1e-12).margin(1e-15));
  }
  const std::map<std::string, Tensor> z = {{"z", noise({4, 4}, 2)}};
  const auto images = [&](bool ema) {
    return values(run.run(run.game.sampler(4, {ema, true}), 0, z)->read("images"));
  };
  CHECK(images(true) != images(false));
  // Weights put back give the same images: nothing else enters, and sampling changes no state.
  const auto first = images(false);
  run.game.import_network(*run.store, "G", average);
  CHECK(images(false) == images(true));
  run.game.import_network(*run.store, "G", live);
  CHECK(images(false) == first);
  CHECK_THROWS_AS(run.game.export_network(*run.store, "D", true), Error);
}

// Weights of another model would be taken, or a wrong file would leave the store half written.
TEST_CASE("importing checks names and shapes before it writes", "[game]") {
  ReferenceRun run(tiny());
  const auto good = run.game.export_network(*run.store, "D");
  const auto refuse = [&](std::vector<NamedTensor> tensors) -> std::string {
    try {
      run.game.import_network(*run.store, "D", tensors);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::data);
      return error.what();
    }
    return "accepted";
  };
  auto missing = good;
  missing.pop_back();
  CHECK(refuse(missing).starts_with("network 'D': there is no tensor 'main.7.running_var'"));
  auto extra = good;
  extra.push_back({"main.19.weight", Tensor(DType::f32, {1})});
  CHECK(refuse(extra) == "network 'D' has no tensor 'main.19.weight': these are weights of another model");
  auto misshapen = good;
  misshapen[0].tensor = Tensor(DType::f32, {1, 4, 4, 2});
  CHECK(refuse(misshapen) == "network 'D': tensor 'main.0.weight' is [1, 4, 4, 2], not [2, 1, 4, 4]");
  auto counted = good;
  counted.push_back({"main.3.num_batches_tracked", Tensor(DType::i64, {})});
  CHECK(refuse(counted) == "accepted");
  const auto after = run.game.export_network(*run.store, "D");
  for (size_t i = 0; i < good.size(); ++i) CHECK(values(after[i].tensor) == values(good[i].tensor));
}

// The critic of WGAN would not be Lipschitz: weights outside of the box.
TEST_CASE("weight clipping holds the parameters in the box", "[game]") {
  Config config = Config::preset("wgan");
  for (const char* s :
       {"data.height=32", "vars.nz=4", "vars.ngf=2", "vars.ndf=2", "players.D.optimizer.lr=0.1"})
    config.set(s);
  ReferenceRun run(config);
  std::map<std::string, Tensor> reals;
  for (uint32_t i = 0; i < 5; ++i) reals["real." + std::to_string(i)] = noise({2, 32, 32, 3}, i);
  const auto program = run.run(run.game.iteration(2), 0, reals);
  double largest = 0;
  for (const double w : values(run.store->read("D.params"))) largest = std::max(largest, std::abs(w));
  CHECK(largest == Approx(0.01));
  largest = 0;
  for (const double w : values(run.store->read("G.params"))) largest = std::max(largest, std::abs(w));
  CHECK(largest > 0.5);
}

// A classifier, the feature extractor of the metrics, would not learn.
TEST_CASE("a classifier is a game of one player", "[game]") {
  Config config = Config::preset("lenet");
  for (const char* s : {"data.height=8", "data.width=8", "data.classes=3", "vars.width1=2", "vars.width2=4",
                        "vars.features=8", "players.C.optimizer.lr=1e-2"})
    config.set(s);
  ReferenceRun run(config);
  CHECK(run.game.generator().empty());
  CHECK_THROWS_AS(run.game.sampler(4), Error);
  const Graph graph = run.game.iteration(6);
  const auto program = run.backend->compile(graph, *run.store, {});
  // Three classes told apart by where the image is bright.
  Tensor images(DType::f64, {6, 8, 8, 1}), labels(DType::i32, {6});
  for (size_t i = 0; i < 6; ++i) {
    labels.as<int32_t>()[i] = static_cast<int32_t>(i % 3);
    for (size_t p = 0; p < 64; ++p) images.as<double>()[i * 64 + p] = p / 22 == i % 3 ? 1.0 : -1.0;
  }
  program->write("real", images);
  program->write("label", labels);
  std::vector<double> losses, accuracy;
  for (uint64_t step = 0; step < 60; ++step) {
    for (const auto& s : run.game.scalars(step, 0)) program->set_scalar(s.name, s.value);
    program->run(step);
    losses.push_back(program->read("loss_C").as<double>()[0]);
    accuracy.push_back(program->read("accuracy_C").as<double>()[0]);
  }
  CHECK(losses.front() == Approx(std::log(3)).margin(0.4));
  CHECK(losses.back() < 0.3);
  CHECK(accuracy.back() > 0.8);
  const auto seen = run.run(run.game.evaluator("C", 6), 0, {{"x", images}});
  CHECK(seen->read("features").shape() == Shape{6, 8});
  const auto logits = seen->read("y");
  for (size_t i = 0; i < 6; ++i) {
    const auto row = logits.as<double>().subspan(i * 3, 3);
    CHECK(std::ranges::max_element(row) - row.begin() == static_cast<std::ptrdiff_t>(i % 3));
  }
}

// Two runs with one seed would differ, or a network's start would depend on what else there is.
TEST_CASE("initial values depend on seed and name alone", "[game]") {
  const auto weights = [](const Config& config, uint64_t seed) {
    const ReferenceRun run(config, seed);
    return values(find(run.game.export_network(*run.store, "G"), "main.0.weight"));
  };
  CHECK(weights(tiny(), 1) == weights(tiny({"vars.ndf=3"}), 1));
  CHECK(weights(tiny(), 1) != weights(tiny(), 2));
}

// Fresh latents would come where G's move should see the images that D has judged, or the reverse.
TEST_CASE("a move reuses generated images as its table says", "[game]") {
  const auto latents = [](const Config& config) {
    int count = 0;
    for (const auto& input : Game(config).inputs(2, {0, true, false}))
      count += input.kind == GameInput::Kind::noise;
    return count;
  };
  CHECK(latents(tiny()) == 1);
  CHECK(latents(tiny({"moves[1].fake=fresh"})) == 2);
  CHECK(latents(tiny({"moves[0].repeat=3"})) == 4);
  CHECK(latents(tiny({"moves[0].repeat=3", "moves[1].fake=reuse"})) == 3);
  CHECK(latents(tiny({"moves[1].repeat=2"})) == 2);
}

// The learning rate would decay too early, too late or not at all.
TEST_CASE("schedules", "[game]") {
  using gan::Schedule;
  CHECK(Schedule{}.at(5, 10) == 1);
  const Schedule linear{Schedule::Kind::linear, 0.5, 0.1, 0, 0};
  CHECK(linear.at(5, 10) == Approx(1));
  CHECK(linear.at(10, 10) == Approx(0.1));
  CHECK(linear.at(20, 10) == Approx(0.1));
  CHECK(linear.at(5, 0) == 1);
  const Schedule cosine{Schedule::Kind::cosine, 0, 0, 0, 4};
  CHECK(cosine.at(5, 10) == Approx(0.5));
  CHECK(cosine.at(1, 1000000) == Approx(0.5).epsilon(1e-3));
  const Schedule steps{Schedule::Kind::step, 0, 0.1, 3, 0};
  CHECK(steps.at(2, 10) == 1);
  CHECK(steps.at(6, 10) == Approx(0.01));
}
