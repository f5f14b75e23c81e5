#pragma once
#include <string_view>
#include <vector>

namespace agon::presets {

/// One TOML file of src/presets as the build compiled it in.
struct Embedded {
  std::string_view name;
  std::string_view text;
};

/// All of them, by file name.
const std::vector<Embedded>& embedded();

}  // namespace agon::presets
