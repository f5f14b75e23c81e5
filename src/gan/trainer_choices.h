#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace agon {

/// Implementation choices of a run's programs (ProgramInfo::choices), by problem.
using Choices = std::map<std::string, std::string>;

/// As a checkpoint's metadata keeps them.
std::string choices_text(const Choices& choices);

/// What a run was begun with: of `<run>/kernels.json`, else of its newest checkpoint; empty where there is
/// neither. Throws Error(data) if the file is damaged.
Choices read_choices(const std::filesystem::path& run);

/// Writes `<run>/kernels.json`, unless there were no choices to make.
void write_choices(const std::filesystem::path& run, const Choices& choices);

}  // namespace agon
