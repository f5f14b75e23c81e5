#include "catch.h"
#include "cuda/device.h"
#include "support/runs.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

using namespace agon;

// Losses that lie on the device until a line of metrics is due would be lost, or told of another step.
TEST_CASE("records read now and then tell what records read after every step tell") {
  const auto backend = device("records read now and then");
  if (!backend) return;
  Scratch scratch;
  Config often = tiny_config(std::string(backend->name())), seldom = often;
  often.set("log.every=1");
  for (const char* setting : {"log.every=24", "checkpoint.every=24", "sample.every=24"}) seldom.set(setting);
  train(often, scratch / "often", false);
  train(seldom, scratch / "seldom", false);
  const auto all = metrics_of(scratch / "often"), last = metrics_of(scratch / "seldom");
  REQUIRE(all.size() == 24);
  REQUIRE(last.size() == 1);
  CHECK(all.back() == last.back());
}

// A stopped run would go on differently than one that was left alone.
TEST_CASE("a run on a device resumes bitwise") {
  const auto backend = device("a run on a device resumes bitwise");
  if (!backend) return;
  Scratch scratch;
  const std::string precision = GENERATE("f32", "bf16");
  Config config = tiny_config(std::string(backend->name()));
  config.set("precision=" + precision);
  INFO(precision);
  train(config, scratch / "whole", false);
  CHECK(train(config, scratch / "parts", false, 7) == Trainer::Outcome::stopped);
  CHECK(train(config, scratch / "parts", true) == Trainer::Outcome::finished);
  check_same_checkpoints(scratch / "whole", scratch / "parts");
  CHECK(metrics_of(scratch / "whole") == metrics_of(scratch / "parts"));
}

// A run that has diverged would burn hours, or overwrite its last good state.
TEST_CASE("a number that is not finite stops a run on a device before its next checkpoint") {
  const auto backend = device("a number that is not finite");
  if (!backend) return;
  Scratch scratch;
  Config config = tiny_config(std::string(backend->name()));
  for (const char* setting : {"log.every=24", "checkpoint.every=6"}) config.set(setting);
  TrainerHooks hooks;
  std::unique_ptr<Trainer> trainer;
  hooks.step = [&](const StepEvent& event) {
    if (event.step != 8) return;
    Tensor weights = trainer->store().read("D.params");
    weights.as<float>()[3] = std::numeric_limits<float>::quiet_NaN();
    trainer->store().write("D.params", weights);
  };
  trainer = std::make_unique<Trainer>(config, TrainerOptions{scratch / "run", false, {}}, hooks);
  std::string message;
  try {
    trainer->run();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::numeric);
    message = error.what();
  }
  CHECK(message.starts_with("step 9:"));
  const auto kept = list_checkpoints(scratch / "run" / "checkpoints");
  REQUIRE(!kept.empty());
  CHECK(kept.front().step == 6);
}
