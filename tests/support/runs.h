#pragma once
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "agon/trainer.h"

#include "catch.h"
#include "io/checkpoint.h"

/// The lines of metrics.jsonl but for their times.
inline std::vector<nlohmann::json> metrics_of(const std::filesystem::path& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line));
    for (const char* time : {"seconds", "images_per_s"}) {
      CHECK(lines.back().contains(time));
      lines.back().erase(time);
    }
  }
  return lines;
}

/// Checks that the newest checkpoints of two runs are bitwise the same.
inline void check_same_checkpoints(const std::filesystem::path& a, const std::filesystem::path& b) {
  const agon::Checkpoint left = agon::newest_checkpoint(a / "checkpoints"),
                         right = agon::newest_checkpoint(b / "checkpoints");
  CHECK(left.step == right.step);
  REQUIRE(left.tensors.size() == right.tensors.size());
  for (size_t i = 0; i < left.tensors.size(); ++i) {
    INFO(left.tensors[i].name);
    CHECK(left.tensors[i].name == right.tensors[i].name);
    CHECK(std::ranges::equal(left.tensors[i].tensor.bytes(), right.tensors[i].tensor.bytes()));
  }
  for (const auto& [key, value] : left.metadata)
    if (key != "seconds") CHECK(right.metadata.at(key) == value);
}

/// Trains until `steps` are done, or to the end.
inline agon::Trainer::Outcome train(const agon::Config& config, const std::filesystem::path& run, bool resume,
                                    uint64_t steps = UINT64_MAX) {
  std::atomic<bool> stop{false};
  agon::TrainerHooks hooks;
  hooks.step = [&](const agon::StepEvent& event) { stop = event.step >= steps; };
  return agon::Trainer(config, {run, resume, {}}, hooks).run(&stop);
}
