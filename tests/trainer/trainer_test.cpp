#include "agon/trainer.h"

#include "catch.h"
#include "io/checkpoint.h"
#include "support/refusals.h"
#include "support/runs.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

using namespace agon;
namespace fs = std::filesystem;

// A run would lack what people and scripts look for in its directory.
TEST_CASE("a run leaves its config, metrics, samples and checkpoints") {
  Scratch scratch;
  const fs::path run = scratch / "run";
  Trainer trainer(tiny_config(), {run, false, {}});
  CHECK(trainer.total_steps() == 24);
  CHECK(trainer.cost().parameters.size() == 2);
  CHECK(trainer.cost().program_bytes > 0);
  CHECK(trainer.cost().state_bytes > 0);
  CHECK(trainer.run() == Trainer::Outcome::finished);

  CHECK(Config::file(run / "config.toml").to_toml() == tiny_config().to_toml());
  const auto lines = metrics_of(run);
  REQUIRE(lines.size() == 8);
  for (size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i]["step"] == 3 * (i + 1));
    CHECK(lines[i]["epoch"] == Approx(0.3 * static_cast<double>(i + 1)));
    for (const char* key : {"loss_D", "loss_G", "grad_norm_D", "weight_norm_G"})
      CHECK(lines[i][key].is_number());
  }
  for (const char* grid : {"step-00000000.png", "step-00000012.png", "step-00000024.png"})
    CHECK(fs::exists(run / "samples" / grid));
  const auto files = list_checkpoints(run / "checkpoints");
  REQUIRE(files.size() == 2);
  CHECK(files[0].step == 24);
  CHECK(files[1].step == 20);
}

// Weights in a checkpoint would be of no use to other programs of the field.
TEST_CASE("a checkpoint holds parameters by PyTorch's names and layouts") {
  Scratch scratch;
  train(tiny_config(), scratch / "run", false);
  const Checkpoint checkpoint = newest_checkpoint(scratch / "run" / "checkpoints");
  const auto shape_of = [&](const std::string& name) {
    for (const auto& [known, tensor] : checkpoint.tensors)
      if (known == name) return tensor.shape().str();
    return "no " + name;
  };
  CHECK(shape_of("D.main.0.weight") == "[4, 1, 4, 4]");
  CHECK(shape_of("adam_m.D.main.0.weight") == "[4, 1, 4, 4]");
  CHECK(shape_of("D.main.1.running_var") == "[4]");
  CHECK(shape_of("G.main.0.weight") == "[32, 4]");
  CHECK(shape_of("ema.G.main.0.weight") == "[32, 4]");
}

// A stopped run would go on differently than one that was left alone.
TEST_CASE("a resumed run is bitwise the run that never stopped") {
  Scratch scratch;
  const auto [device, precision] =
      GENERATE(table<std::string, std::string>({{"reference", "f32"}, {"cpu", "f32"}, {"cpu", "bf16"}}));
  Config config = tiny_config(device);
  config.set("precision=" + precision);
  INFO(device << " " << precision);
  try {
    train(config, scratch / "whole", false);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unsupported) throw;
    std::printf("skipped: a resumed run is bitwise the run that never stopped, in %s: %s\n",
                precision.c_str(), error.what());
    return;
  }
  CHECK(train(config, scratch / "parts", false, 7) == Trainer::Outcome::stopped);
  CHECK(train(config, scratch / "parts", true, 8) == Trainer::Outcome::stopped);
  CHECK(train(config, scratch / "parts", true, 17) == Trainer::Outcome::stopped);
  CHECK(train(config, scratch / "parts", true) == Trainer::Outcome::finished);
  check_same_checkpoints(scratch / "whole", scratch / "parts");
  CHECK(metrics_of(scratch / "whole") == metrics_of(scratch / "parts"));
}

// One spoilt file would end a long run, or silently start it from other weights.
TEST_CASE("a run resumes from before a damaged checkpoint") {
  Scratch scratch;
  const Config config = tiny_config();
  train(config, scratch / "whole", false);
  train(config, scratch / "run", false, 12);
  const auto files = list_checkpoints(scratch / "run" / "checkpoints");
  REQUIRE(files.size() == 2);
  fs::resize_file(files[0].path, fs::file_size(files[0].path) / 2);
  std::vector<std::string> remarks;
  TrainerOptions options{scratch / "run", true, [&](const std::string& line) { remarks.push_back(line); }};
  Trainer trainer(config, options);
  CHECK(trainer.step() == files[1].step);
  REQUIRE(remarks.size() == 1);
  CHECK(mentions(remarks[0], files[0].path.filename().string()));
  trainer.run();
  check_same_checkpoints(scratch / "whole", scratch / "run");
  CHECK(metrics_of(scratch / "whole") == metrics_of(scratch / "run"));
}

// Weights of one network would be poured into another, or a run go on on other data without a word.
TEST_CASE("a checkpoint of another model, config or data set is refused") {
  Scratch scratch;
  const fs::path run = scratch / "run";
  train(tiny_config(), run, false, 6);
  Config config = tiny_config();
  SECTION("another seed") {
    config.set("seed=2");
    CHECK(mentions(error_of(ErrorKind::data, [&] { Trainer(config, {run, true, {}}); }), "another config"));
    CHECK(Config::file(run / "config.toml").to_toml() == tiny_config().to_toml());
  }
  SECTION("another width") {
    const fs::path other = scratch / "other";
    std::string toml = config.to_toml();
    const auto at = toml.find("out = 4");
    REQUIRE(at != std::string::npos);
    toml.replace(at, 7, "out = 6");
    const Config wider = Config::text(toml);
    train(wider, other, false, 1);
    fs::remove_all(run / "checkpoints");
    fs::copy(other / "checkpoints", run / "checkpoints");
    CHECK(mentions(error_of(ErrorKind::data, [&] { Trainer(config, {run, true, {}}); }), "another model"));
    error_of(ErrorKind::data, [&] { TrainedModel::open(run); });
  }
  SECTION("a longer run of the same is welcome") {
    config.set("train.steps=7");
    Trainer longer(config, {run, true, {}});
    CHECK(longer.run() == Trainer::Outcome::finished);
    CHECK(longer.step() == 7);
  }
  SECTION("a run in use") {
    const Trainer first(config, {run, true, {}});
    CHECK(mentions(error_of(ErrorKind::io, [&] { Trainer(config, {run, true, {}}); }), "another process"));
  }
  SECTION("a run that is there already") {
    error_of(ErrorKind::usage, [&] { Trainer(config, {run, false, {}}); });
  }
}

// A run that has diverged would burn hours, or overwrite its last good state.
TEST_CASE("training stops at the first number that is not finite") {
  Scratch scratch;
  const fs::path run = scratch / "run";
  const Config config = tiny_config();
  train(config, run, false, 6);
  TrainerHooks hooks;
  std::unique_ptr<Trainer> trainer;
  hooks.step = [&](const StepEvent& event) {
    if (event.step != 9) return;
    const std::string name = "D.params";
    Tensor weights = trainer->store().read(name);
    weights.as<double>()[3] = std::numeric_limits<double>::quiet_NaN();
    trainer->store().write(name, weights);
  };
  trainer = std::make_unique<Trainer>(config, TrainerOptions{run, true, {}}, hooks);
  const std::string message = error_of(ErrorKind::numeric, [&] { trainer->run(); });
  CHECK(mentions(message, "step 10"));
  CHECK(mentions(message, "D.main."));
  CHECK(list_checkpoints(run / "checkpoints").front().step == 6);
  // And the last good state still trains on.
  trainer.reset();
  CHECK(train(config, run, true) == Trainer::Outcome::finished);
}

// Samples of a seed would change with the number asked for.
TEST_CASE("image k of a seed is the same in any request") {
  Scratch scratch;
  const fs::path run = scratch / "run";
  train(tiny_config(), run, false, 2);
  TrainedModel model = TrainedModel::open(run);
  Sampler sampler(model.game, *model.backend, *model.store, 4, 9);
  const Tensor all = sampler.images(0, 10), part = sampler.images(3, 4);
  CHECK(all.shape() == Shape{10, 8, 8, 1});
  CHECK(std::ranges::equal(all.as<float>().subspan(3 * 64, 4 * 64), part.as<float>()));
  Sampler other(model.game, *model.backend, *model.store, 4, 10);
  CHECK(!std::ranges::equal(other.images(3, 4).as<float>(), part.as<float>()));
}

// The numbers of an evaluation would be missing from the curves, or spoil the lines that scripts read.
TEST_CASE("evaluations join the line of their step") {
  Scratch scratch;
  Config config = tiny_config();
  config.set("eval.every=4");
  TrainerHooks hooks;
  hooks.evaluate = [](Trainer& trainer) { return Metrics{{"fid", static_cast<double>(trainer.step())}}; };
  Trainer(config, {scratch / "run", false, {}}, hooks).run();
  std::vector<uint64_t> evaluated;
  for (const auto& line : metrics_of(scratch / "run")) {
    CHECK(line.contains("loss_D"));
    if (line.contains("fid")) evaluated.push_back(line["step"].get<uint64_t>());
  }
  CHECK(evaluated == std::vector<uint64_t>{4, 8, 12, 16, 20, 24});
}
