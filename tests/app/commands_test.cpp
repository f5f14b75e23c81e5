#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agon/image.h"

#include "app/run_agon.h"
#include "catch.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

namespace fs = std::filesystem;
using nlohmann::json;

// A first user's path would be broken: train, sample, look.
TEST_CASE("train and sample work one after another") {
  Scratch scratch;
  const Agon agon(scratch.path());
  write_text(scratch / "tiny.toml", tiny_config().to_toml());
  const Ran trained = agon({"train", "tiny.toml", "--json"});
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const json outcome = json::parse(trained.out);
  CHECK(outcome["run"] == "runs/tiny");
  CHECK(outcome["step"] == 24);
  for (const char* word : {"parameters: G ", "memory about", "step 24/24"})
    CHECK(trained.err.find(word) != std::string::npos);
  CHECK(trained.err.find('\r') == std::string::npos);

  const std::string report = agon.text("runs/tiny/report.html");
  CHECK(report.find("data:image/png;base64,iVBORw0KGgo") != std::string::npos);
  CHECK(report.find("loss_D") != std::string::npos);
  CHECK(report.find("https:") == std::string::npos);
  CHECK(report.find("finished") != std::string::npos);

  REQUIRE(agon({"sample", "runs/tiny", "--count", "5", "--out", "images"}).code == 0);
  CHECK(std::distance(fs::directory_iterator(scratch / "images"), {}) == 5);
  CHECK(agon::read_image(scratch / "images/000004.png").width == 8);
  REQUIRE(agon({"sample", "runs/tiny", "--count", "4", "--out", "grid.png"}).code == 0);
  const std::string grid = agon.text("grid.png");
  CHECK(agon({"sample", "runs/tiny", "--count", "5", "--out", "grid.png"}).code == 2);
  CHECK(agon.text("grid.png") == grid);
  CHECK(agon({"sample", "runs/tiny", "--count", "5", "--out", "images"}).code == 2);
  CHECK(agon::read_image(scratch / "grid.png").width == 2 * 8 + 3 * 2);

  // A second run of the same name gets a directory of its own.
  const Ran second = agon({"train", "tiny.toml", "--set", "train.steps=1"});
  INFO(second.err);
  CHECK(second.out == "runs/tiny-2/report.html\n");
}

// Nobody could find out what there is to train, or it would take ages to say.
TEST_CASE("presets are listed and shown") {
  Scratch scratch;
  const Agon agon(scratch.path());
  agon({"presets"});
  const auto begin = std::chrono::steady_clock::now();
  const Ran listed = agon({"presets"});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  CHECK(taken.count() < 1);  // 50 ms are promised; a busy machine may take longer
  for (const char* name : {"dcgan-mnist", "dcgan-glyphs", "dcgan-cifar10", "dcgan-64", "vanilla-gan", "wgan",
                           "wgan-gp", "lsgan", "sngan"}) {
    INFO(name);
    CHECK(listed.out.find(name) != std::string::npos);
    const Ran shown = agon({"presets", name});
    CHECK(shown.code == 0);
    CHECK(shown.out.find("parameters") != std::string::npos);
    const Ran as_toml = agon({"presets", name, "--toml"});
    write_text(scratch / "again.toml", as_toml.out);
    CHECK(agon({"presets", "again.toml", "--toml"}).out == as_toml.out);
  }
  const json layers = json::parse(agon({"presets", "dcgan-64", "--json"}).out);
  CHECK(layers["parameters"]["G"] == 3576704);
  CHECK(layers["parameters"]["D"] == 2765568);
  CHECK(agon({"presets", "--keys"}).out.find("checkpoint.keep") != std::string::npos);
}

// The fused kernels and the memory of a preset could not be looked at.
TEST_CASE("presets explain what was compiled") {
  Scratch scratch;
  write_text(scratch / "tiny.toml", tiny_config().to_toml());
  const Ran explained = Agon(scratch.path())({"presets", "tiny.toml", "--explain"});
  CHECK(explained.code == 0);
  for (const char* word : {"iteration on reference", "arena", "conv"})
    CHECK(explained.out.find(word) != std::string::npos);
}

// A user could not see what data there is, nor what is in it.
TEST_CASE("data sets are listed, described and written") {
  Scratch scratch;
  const Agon agon(scratch.path());
  CHECK(agon({"data", "list"}).out.find("glyphs") != std::string::npos);
  REQUIRE(agon({"data", "make", "glyphs", "--count", "30", "--format", "idx", "--out", "digits"}).code == 0);
  const json facts = json::parse(agon({"data", "info", "mnist:digits", "--json"}).out);
  CHECK(facts["images"] == 30);
  CHECK(facts["class_names"].size() == 10);
  REQUIRE(agon({"data", "make", "glyphs", "--count", "9", "--format", "grid", "--out", "grid.png"}).code ==
          0);
  CHECK(agon::read_image(scratch / "grid.png").height > 28);
  REQUIRE(agon({"data", "make", "mnist:digits", "--count", "3", "--out", "png"}).code == 0);
  CHECK(agon({"data", "info", "folder:png"}).code == 0);
  CHECK(agon({"data", "get", "mnist"}).out.find("--data mnist:DIR") != std::string::npos);
}

// A user could not find out why a device is not to be had.
TEST_CASE("doctor tells what the machine offers") {
  Scratch scratch;
  const Agon agon(scratch.path());
  const json facts = json::parse(agon({"doctor", "--json"}).out);
  CHECK(facts["cores"].get<int>() >= 1);
  CHECK(facts["backends"]["reference"]["ready"] == true);
  CHECK(facts["onednn"].get<std::string>().find('.') != std::string::npos);
  CHECK(agon({"doctor"}).out.find("--device cuda") != std::string::npos);
}

// Timings could not be compared with other programs.
TEST_CASE("bench times a step") {
  Scratch scratch;
  write_text(scratch / "tiny.toml", tiny_config().to_toml());
  const json figures =
      json::parse(Agon(scratch.path())({"bench", "tiny.toml", "--steps", "3", "--json"}).out);
  for (const char* key : {"step_ms", "images_per_s", "peak_rss_mb"}) CHECK(figures[key].get<double>() > 0);
}

// A kernel engineer could not see where a step's time goes.
TEST_CASE("profile times each kernel against the roofline") {
  Scratch scratch;
  write_text(scratch / "tiny.toml", tiny_config().to_toml());
  const Agon agon(scratch.path());
  const json figures =
      json::parse(agon({"profile", "tiny.toml", "--steps", "2", "--trace", "step.json", "--json"}).out);
  CHECK(figures["copy_bytes_per_s"].get<double>() > 0);
  CHECK(figures["matrix_flops_per_s"].get<double>() > 0);
  REQUIRE(figures["kernels"].size() == figures["launches"].get<size_t>());
  double op_ms = 0;
  for (const json& op : figures["ops"]) op_ms += op["ms"].get<double>();
  CHECK(op_ms == Approx(figures["step_ms"].get<double>()));

  const json trace = json::parse(std::ifstream(scratch / "step.json"));
  CHECK(trace["traceEvents"].size() == figures["kernels"].size() + 1);  // and the process's name
  CHECK(agon({"profile", "tiny.toml", "--steps", "2", "--top", "3"}).out.find("--top 0 lists all") !=
        std::string::npos);
}
