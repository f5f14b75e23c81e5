#include "app/config_options.h"

#include <fmt/format.h>

namespace agon::app {

void ConfigOptions::add_to(CLI::App& command) {
  command.add_option("--set", settings, "set a config key (agon presets --keys lists them); may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command.add_option("--data", data, "data set, e.g. mnist:DIR, cifar10:DIR, folder:DIR or glyphs")
      ->type_name("SPEC");
  command.add_option("--device", device, "cpu, cuda, simt or reference")->type_name("NAME");
  command.add_option("--precision", precision, "f32, tf32 or bf16")->type_name("NAME");
}

void ConfigOptions::apply(Config& config) const {
  if (!data.empty()) config.set("data.spec=" + toml_quoted(data));
  if (!device.empty()) config.set("device=" + toml_quoted(device));
  if (!precision.empty()) config.set("precision=" + toml_quoted(precision));
  for (const std::string& setting : settings) config.set(setting);
}

Config ConfigOptions::resolve() const {
  Config config = Config::named(name);
  apply(config);
  return config;
}

std::string toml_quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      quoted += fmt::format("\\u{:04x}", static_cast<int>(c));
    else
      quoted += c;
  }
  return quoted + '"';
}

}  // namespace agon::app
