#include <nlohmann/json.hpp>

#include "agon/config.h"
#include "agon/error.h"
#include "agon/game.h"
#include "agon/program.h"
#include "agon/trainer.h"

#include "app/command.h"
#include "app/config_options.h"
#include "app/evaluation.h"
#include "app/format.h"

namespace agon::app {
namespace {

using Json = nlohmann::ordered_json;

struct PresetOptions {
  ConfigOptions config;
  bool explain = false, keys = false, toml = false, json = false;
};

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

int list_presets(bool as_json) {
  if (as_json) {
    Json list = Json::array();
    for (const auto& [name, about] : Config::presets()) list.push_back({{"name", name}, {"about", about}});
    fmt::print("{}\n", list.dump(2));
    return exit_done;
  }
  for (const auto& [name, about] : Config::presets()) fmt::print("{:<16}{}\n", name, about);
  fmt::print("\nagon presets NAME shows the layers, agon presets --keys what a config may hold\n");
  return exit_done;
}

int list_keys(bool as_json) {
  if (as_json) {
    Json list = Json::array();
    for (const KeyInfo& key : Config::keys())
      list.push_back(
          {{"key", key.key}, {"type", key.type}, {"default", key.default_value}, {"meaning", key.meaning}});
    fmt::print("{}\n", list.dump(2));
    return exit_done;
  }
  for (const KeyInfo& key : Config::keys()) {
    fmt::print("{:<36} {}", key.key, key.type);
    if (!key.default_value.empty()) fmt::print(", default {}", key.default_value);
    fmt::print("\n    {}\n", key.meaning);
  }
  return exit_done;
}

Json describe_json(const Config& config, const Game& game) {
  Json json{{"name", config.string("name")}, {"about", config.string("about")}};
  for (const LayerRow& row : game.layer_table())
    json["layers"].push_back({{"network", row.network},
                              {"module", row.module},
                              {"type", row.type},
                              {"detail", row.detail},
                              {"output", std::vector<int64_t>(row.output.begin(), row.output.end())},
                              {"parameters", row.parameters}});
  for (const Network& network : game.networks())
    json["parameters"][network.name()] = network.parameter_count();
  for (const PlayerInfo& player : game.players())
    json["players"].push_back({{"name", player.name},
                               {"networks", player.networks},
                               {"optimizer", player.optimizer},
                               {"parameters", player.parameters},
                               {"state_bytes", player.state_bytes},
                               {"ema", player.ema}});
  json["moves"] = game.move_names();
  return json;
}

void describe_text(const Config& config, const Game& game) {
  fmt::print("{}: {}\n", config.string("name"), config.string("about"));
  std::string network;
  for (const LayerRow& row : game.layer_table()) {
    if (row.network != network) {
      network = row.network;
      const Network& whole = game.network(network);
      fmt::print("\n{}: {} -> {}, {} parameters\n", network, shape_text(whole.input()),
                 shape_text(whole.output()), count_text(static_cast<uint64_t>(whole.parameter_count())));
    }
    fmt::print("  {:<10} {:<16} {:<36} {:<12} {:>12}\n", row.module, row.type, row.detail,
               shape_text(row.output),
               row.parameters > 0 ? count_text(static_cast<uint64_t>(row.parameters)) : "");
  }
  fmt::print("\nplayers\n");
  for (const PlayerInfo& player : game.players())
    fmt::print("  {:<10} {} of {} parameters{}\n", player.name, player.optimizer,
               count_text(static_cast<uint64_t>(player.parameters)), player.ema ? ", averaged" : "");
  fmt::print("moves       {}\n", fmt::join(game.move_names(), ", "));
}

/// The compiled iterations: what was fused, what was not and why, and what they take.
void explain(const Config& config, const Game& game) {
  const auto backend = open_backend(config.string("device"));
  const auto store = backend->make_store();
  const auto text = [](size_t bytes) { return bytes_text(static_cast<double>(bytes)); };
  for (int variant = 0; variant < game.variants(); ++variant) {
    IterationOptions options;
    options.variant = variant;
    CompileOptions compile;
    compile.precision = precision_of(config);
    compile.tuning_file = tuning_file();
    const auto program =
        backend->compile(game.iteration(config.integer("train.batch_size"), options), *store, compile);
    const ProgramInfo& info = program->info();
    fmt::print("\niteration{} on {}: {} kernels, arena {} (unshared: {}), workspace {}, states {}\n",
               game.variants() > 1 ? fmt::format(" {} of {}", variant + 1, game.variants()) : "",
               backend->name(), info.kernels, text(info.arena_bytes), text(info.unplanned_bytes),
               text(info.workspace_bytes), text(store->bytes()));
    for (size_t i = 0; i < info.lines.size(); ++i) fmt::print("{:5}  {}\n", i, info.lines[i]);
    fmt::print("\nfusion\n");
    for (const std::string& note : info.fusions) fmt::print("  {}\n", note);
  }
}

int presets(const PresetOptions& options) {
  if (options.keys) return list_keys(options.json);
  if (options.config.name.empty()) {
    check(!options.explain && !options.toml, ErrorKind::usage, "agon presets: name the preset to show");
    return list_presets(options.json);
  }
  const Config config = options.config.resolve();
  if (options.toml) {
    fmt::print("{}", config.to_toml());
    return exit_done;
  }
  const Game game(config);
  if (options.json)
    fmt::print("{}\n", describe_json(config, game).dump(2));
  else
    describe_text(config, game);
  if (options.explain) explain(config, game);
  return exit_done;
}

}  // namespace

void add_presets(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand("presets", "list the systems that come with the program, or show one");
  auto options = std::make_shared<PresetOptions>();
  command->add_option("name", options->config.name, "preset, or path of a config")
      ->type_name("NAME|CONFIG.toml");
  options->config.add_to(*command);
  command->add_flag("--explain", options->explain,
                    "compile it and list the kernels, what was fused, and memory");
  command->add_flag("--toml", options->toml, "print the resolved config");
  command->add_flag("--keys", options->keys, "list every config key");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([&job, options] { job = [options] { return presets(*options); }; });
}

}  // namespace agon::app
