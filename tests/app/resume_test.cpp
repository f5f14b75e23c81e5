#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "app/run_agon.h"
#include "catch.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

namespace fs = std::filesystem;

namespace {

std::string metrics_without_times(const std::string& text) {
  std::string result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    json.erase("seconds");
    json.erase("images_per_s");
    result += json.dump() + "\n";
  }
  return result;
}

/// All bytes of the tensors in a checkpoint file: what follows the header, whose "seconds" differ.
std::string tensor_bytes(const std::string& file) {
  REQUIRE(file.size() > 8);
  uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  return file.substr(8 + header);
}

/// Of the killed run's metrics; a line in the making does not count.
uint64_t last_step(const Agon& agon) {
  std::istringstream stream(agon.text("killed/metrics.jsonl"));
  uint64_t step = 0;
  for (std::string line; std::getline(stream, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object()) step = json["step"].get<uint64_t>();
  }
  return step;
}

bool ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child;
}

constexpr const char* steps = "train.steps=400";
constexpr const char* last_checkpoint = "checkpoints/step-00000400.safetensors";

std::vector<std::string> common() {
  return {"--set", steps, "--set", "checkpoint.every=7"};
}

std::vector<std::string> with(std::vector<std::string> first) {
  const auto more = common();
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

}  // namespace

// A crash would cost a run its reproducibility: other weights, lines missing or twice.
TEST_CASE("a run killed at any moment resumes to the very same end") {
  Scratch scratch;
  const Agon agon(scratch.path());
  write_text(scratch / "tiny.toml", tiny_config("cpu").to_toml());

  const Ran whole = agon(with({"train", "tiny.toml", "--out", "whole"}));
  INFO(whole.err);
  REQUIRE(whole.code == 0);

  std::mt19937 random(7);
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  int killed = 0;
  bool done = false;
  for (int attempt = 0; attempt < 60 && !done; ++attempt) {
    const bool started = fs::exists(scratch / "killed/config.toml");
    // A run killed before its first file is written is begun anew.
    if (!started) fs::remove_all(scratch / "killed");
    const uint64_t before = last_step(agon);
    const pid_t child = agon.start(started ? with({"train", "--resume", "killed"})
                                           : with({"train", "tiny.toml", "--out", "killed"}));
    // Now while it starts, now somewhere between two or three checkpoints.
    if (attempt % 4 != 3)
      for (const uint64_t goal = before + static_cast<uint64_t>(draw(3, 60));
           last_step(agon) < goal && !ended(child);)
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    std::this_thread::sleep_for(std::chrono::microseconds(draw(0, 20000)));
    ::kill(child, SIGKILL);
    const Ran ran = agon.wait(child);
    INFO(ran.err);
    REQUIRE((ran.code == 0 || ran.code == -SIGKILL));
    killed += ran.code == -SIGKILL;
    done = ran.code == 0;
  }
  REQUIRE(done);
  CHECK(killed >= 4);
  CHECK(tensor_bytes(agon.text(std::string("whole/") + last_checkpoint)) ==
        tensor_bytes(agon.text(std::string("killed/") + last_checkpoint)));
  CHECK(metrics_without_times(agon.text("whole/metrics.jsonl")) ==
        metrics_without_times(agon.text("killed/metrics.jsonl")));
  CHECK(agon.text("whole/samples/step-00000400.png") == agon.text("killed/samples/step-00000400.png"));
}

// Ctrl-C would lose the work since the last checkpoint.
TEST_CASE("an interrupted run saves itself and says how to go on") {
  Scratch scratch;
  const Agon agon(scratch.path());
  write_text(scratch / "tiny.toml", tiny_config().to_toml());
  const pid_t child =
      agon.start({"train", "tiny.toml", "--set", "train.steps=1000000", "--set", "log.every=100"});
  for (int i = 0; i < 600 && agon.text("runs/tiny/metrics.jsonl").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ::kill(child, SIGINT);
  const Ran ran = agon.wait(child);
  INFO(ran.err);
  CHECK(ran.code == 130);
  CHECK(ran.err_lines().back().find("agon train --resume runs/tiny") != std::string::npos);
  CHECK(!fs::is_empty(scratch / "runs/tiny/checkpoints"));
  CHECK(fs::exists(scratch / "runs/tiny/report.html"));
}
