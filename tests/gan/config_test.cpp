#include "agon/config.h"

#include <filesystem>
#include <fstream>

#include "agon/error.h"

#include "catch.h"

using namespace agon;

namespace {

std::string message(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

std::string refusal(std::string_view toml) {
  return message([&] { Config::text(toml, "x.toml"); });
}

}  // namespace

// A run could not be resumed from its own config.toml, or would resume with other settings.
TEST_CASE("every preset round-trips through TOML", "[config]") {
  const auto presets = Config::presets();
  REQUIRE(presets.size() >= 9);
  for (const auto& preset : presets) {
    INFO(preset.name);
    CHECK(!preset.about.empty());
    const Config config = Config::preset(preset.name);
    const std::string once = config.to_toml();
    const Config again = Config::text(once, "config.toml");
    CHECK(again.to_toml() == once);
    CHECK(again.string("name") == preset.name);
    CHECK(again.integer("checkpoint.keep") == 3);
    CHECK(again.has("checkpoint.keep"));
  }
}

// A user's file would not override the preset it starts from, or would lose the rest of it.
TEST_CASE("a file overrides the preset it names", "[config]") {
  const Config config = Config::text(
      "preset = \"dcgan-64\"\nseed = 7\n[train]\nbatch_size = 16\n[vars]\nngf = 8\n"
      "[players.G]\nema = { decay = 0.9 }\n");
  CHECK(config.integer("seed") == 7);
  CHECK(config.integer("train.batch_size") == 16);
  CHECK(config.integer("vars.ngf") == 8);
  CHECK(config.integer("vars.ndf") == 64);
  CHECK(config.number("players.G.ema.decay") == 0.9);
  CHECK(config.number("players.G.optimizer.lr") == 2e-4);
  CHECK(config.string("name") == "dcgan-64");
  CHECK(!config.has("preset"));

  const auto path = std::filesystem::temp_directory_path() / "agon_config_test.toml";
  std::ofstream(path) << "preset = \"wgan\"\n[train]\nsteps = 3\n";
  CHECK(Config::named(path.string()).integer("train.steps") == 3);
  CHECK(Config::named("wgan").number("players.D.clip") == 0.01);
  std::filesystem::remove(path);
}

// --set would change nothing, the wrong thing, or accept a typo.
TEST_CASE("set applies one assignment", "[config]") {
  Config config = Config::preset("wgan-gp");
  config.set("train.steps=100");
  config.set("data.spec=cifar10:/data/cifar 10");
  config.set("moves[0].repeat=2");
  config.set("players.D.optimizer.lr=1e-3");
  config.set("data.flip=true");
  CHECK(config.integer("train.steps") == 100);
  CHECK(config.string("data.spec") == "cifar10:/data/cifar 10");
  CHECK(config.integer("moves[0].repeat") == 2);
  CHECK(config.number("players.D.optimizer.lr") == 1e-3);
  CHECK(config.flag("data.flip"));
  CHECK(config.where("train.steps") == "--set train.steps=100");
  config.set_string("precision", "fp8", "--precision fp8");
  CHECK(config.where("precision") == "--precision fp8");
  const std::string before = config.to_toml();
  CHECK(message([&] { config.set("train.stps=5"); }) ==
        "--set train.stps=5: unknown key 'train.stps' (did you mean 'steps'?)");
  CHECK(message([&] { config.set("train.steps=many"); }).find("must be integer, not string") !=
        std::string::npos);
  CHECK(message([&] { config.set("train.steps"); }) == "--set train.steps: write it as key=value");
  CHECK(message([&] { config.set("moves[9].repeat=2"); }).find("has 2 elements") != std::string::npos);
  CHECK(message([&] { config.set("train.steps=[1"); }).starts_with("--set train.steps=[1: "));
  CHECK(message([&] { config.set("=1"); }) == "--set =1: write it as key=value");
  CHECK(config.to_toml() == before);
}

// A wrong config would be accepted, or refused without saying where and what to write instead.
TEST_CASE("errors name file, line and the nearest known name", "[config]") {
  CHECK(refusal("seed = 1\n[trian]\nsteps = 1\n") == "x.toml:2: unknown key 'trian' (did you mean 'train'?)");
  CHECK(refusal("[train]\nsteps = 1\nbatchsize = 2\n") ==
        "x.toml:3: unknown key 'train.batchsize' (did you mean 'batch_size'?)");
  CHECK(refusal("[train]\nsteps = \"ten\"\n") ==
        "x.toml:2: 'train.steps' must be integer, not string; it is the iterations; 0: train.epochs decides");
  CHECK(refusal("[train]\nbatch_size = 0\n") == "x.toml:2: 'train.batch_size' must be at least 1, not 0");
  CHECK(refusal("[log]\nevery = 0\n") == "x.toml:2: 'log.every' must be at least 1, not 0");
  CHECK(refusal("train = 3\n") == "x.toml:1: 'train' must be a table, not a integer");
  CHECK(refusal("moves = 3\n") == "x.toml:1: 'moves' must be an array of tables, not a integer");
  CHECK(refusal("[networks.G]\nlayers = [\n  { type = \"conv\", kernle = 3 },\n]\n") ==
        "x.toml:3: unknown key 'networks.G.layers[0].kernle' (did you mean 'kernel'?)");
  CHECK(refusal("preset = \"dcgan64\"\n") == "x.toml:1: unknown preset 'dcgan64' (did you mean 'dcgan-64'?)");
  CHECK(refusal("preset = 3\n") == "x.toml:1: 'preset' must be the name of a preset");
  CHECK(refusal("seed = 1\nseed = = 2\n").starts_with("x.toml:2: "));
  CHECK(refusal("seed = 2020-01-01\n") == "x.toml:1: dates and times are of no use here");
  CHECK(message([] { Config::preset("wgangp"); }) == "unknown preset 'wgangp' (did you mean 'wgan-gp'?)");
  CHECK(message([] { Config::text("").integer("vars.nz"); }) ==
        "config: 'vars.nz' is not set and has no default");
  CHECK_THROWS_AS(Config::file("/nonexistent/x.toml"), Error);
}

// Layer tables would get wrong extents from expressions, or an expression could crash the program.
TEST_CASE("expressions evaluate over vars and data", "[config]") {
  const Config config = Config::text("[vars]\nngf = 16\n[data]\nheight = 28\n");
  const auto value = [&](std::string text) { return config.evaluate({std::move(text), "x.toml:9"}); };
  CHECK(value("8*ngf") == 128);
  CHECK(value("(height + 4) / 4 * (2 - 1)") == 8);
  CHECK(value("channels") == 3);
  CHECK(config.evaluate({int64_t{5}, ""}) == 5);
  CHECK(message([&] { value("8*ngff"); }) ==
        "x.toml:9: expression \"8*ngff\": unknown name 'ngff' (did you mean 'ngf'?)");
  CHECK(message([&] { value("height/5"); }) ==
        "x.toml:9: expression \"height/5\": the division does not come out even");
  for (const char* bad :
       {"", "1+", "(1", "1)", "2x", "1/0", "9999999999*9999999999", "999999999999999999999"})
    CHECK(message([&] { value(bad); }).starts_with("x.toml:9: expression"));
  CHECK(message([&] { value(std::string(100000, '(')); }).starts_with("x.toml:9: expression"));
}

// `agon presets --keys` would print keys that are not accepted, or defaults that are no TOML.
TEST_CASE("every listed key with a default can be set to it", "[config]") {
  for (const auto& key : Config::keys()) {
    INFO(key.key);
    CHECK(!key.type.empty());
    CHECK(!key.meaning.empty());
    if (key.default_value.empty()) continue;
    Config config = Config::text("");
    CHECK_NOTHROW(config.set(key.key + "=" + key.default_value));
  }
}
