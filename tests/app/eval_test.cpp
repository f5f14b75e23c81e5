#include <nlohmann/json.hpp>

#include "app/run_agon.h"
#include "catch.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

using nlohmann::json;

// The scores of a run would be missing, or not be those of its checkpoint.
TEST_CASE("a run is scored while it trains and afterwards") {
  Scratch scratch;
  const Agon agon(scratch.path());
  agon::Config config = tiny_config("cpu");
  for (const char* setting : {"data.count=320", "eval.count=60", "eval.every=20", "train.steps=40"})
    config.set(setting);
  write_text(scratch / "tiny.toml", config.to_toml());
  const Ran trained = agon({"train", "tiny.toml"});
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  std::vector<double> distances;
  std::istringstream lines(agon.text("runs/tiny/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);)
    if (const json values = json::parse(line); values.contains("fid")) distances.push_back(values["fid"]);
  CHECK(distances.size() == 2);

  const Ran scored = agon({"eval", "runs/tiny", "--count", "60", "--seed", "1", "--json"});
  INFO(scored.err);
  REQUIRE(scored.code == 0);
  const json scores = json::parse(scored.out);
  CHECK(scores["step"] == 40);
  // The trainer scores with the config's seed, which is 1, and the same number of images.
  CHECK(scores["fid"]["mean"].get<double>() == Approx(distances.back()));
  CHECK(scores["fid"]["extractor"].is_string());
  CHECK(scores["inception_score"]["protocol"].is_string());
  CHECK(scores["accuracy"].is_number());
  CHECK(agon.text("runs/tiny/report.html").find("generated_classes") != std::string::npos);

  const json only = json::parse(
      agon({"eval", "runs/tiny", "--count", "60", "--seed", "1", "--json", "--metrics", "is"}).out);
  CHECK(!only.contains("fid"));
  CHECK(only["inception_score"]["mean"] == scores["inception_score"]["mean"]);
  CHECK(agon({"eval", "runs/tiny", "--count", "60"}).out.find("inception score") != std::string::npos);
}
