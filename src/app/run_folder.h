#pragma once
#include <filesystem>
#include <string>

#include "agon/trainer.h"

namespace agon::app {

/// Whether writing to `path` destroys nothing: it does not exist, or is an empty folder.
bool is_free(const std::filesystem::path& path);

/// Where a new run goes: `wanted`, which must be empty or not exist, or else runs/NAME, runs/NAME-2, ... the
/// first that does not exist.
std::filesystem::path new_run_folder(const std::string& wanted, const std::string& name);

/// run.json: what a run is and where it stands, for the report and for scripts.
void write_run_facts(const std::filesystem::path& run, const Trainer& trainer, const std::string& status);

}  // namespace agon::app
