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
  set_option(config, "data.spec", "--data", data);
  set_option(config, "device", "--device", device);
  set_option(config, "precision", "--precision", precision);
  for (const std::string& setting : settings) config.set(setting);
}

Config ConfigOptions::resolve() const {
  Config config = Config::named(name);
  apply(config);
  return config;
}

void set_option(Config& config, std::string_view key, std::string_view option, const std::string& value) {
  if (!value.empty()) config.set_string(key, value, fmt::format("{} {}", option, value));
}

}  // namespace agon::app
