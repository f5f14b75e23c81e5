#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"

namespace agon::app {

/// What the commands that take PRESET|CONFIG.toml share.
struct ConfigOptions {
  std::string name;  ///< preset or path
  std::vector<std::string> settings;
  std::string data, device, precision;

  /// Adds --set, --data, --device and --precision to `command`; the name is the command's own positional.
  void add_to(CLI::App& command);
  /// Applies them to `config`, --set last.
  void apply(Config& config) const;
  Config resolve() const;
};

/// Sets `key` to what the command line gave with `option`, if it did.
void set_option(Config& config, std::string_view key, std::string_view option, const std::string& value);

}  // namespace agon::app
