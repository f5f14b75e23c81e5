#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "agon/program.h"

namespace agon::app {

/// Writes one step's kernels, end to end, for chrome://tracing and ui.perfetto.dev. An existing file is
/// replaced.
void write_chrome_trace(const std::filesystem::path& file, const std::string& title,
                        const std::vector<KernelTime>& kernels);

}  // namespace agon::app
