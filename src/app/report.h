#pragma once
#include <filesystem>

namespace agon::app {

/// Writes `run`/report.html from what the run's directory holds: run.json (facts), metrics.jsonl, samples/,
/// config.toml and evaluation.json (each may be missing). One file, no network: curves, the grid of every
/// epoch, the evaluation. Atomic; throws Error(io) if it cannot be written.
void write_report(const std::filesystem::path& run);

}  // namespace agon::app
