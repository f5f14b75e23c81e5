#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "agon/error.h"
#include "agon/game.h"
#include "agon/philox.h"

#include "app/command.h"
#include "app/config_options.h"
#include "app/format.h"
#include "app/machine.h"

namespace agon::app {
namespace {

struct BenchOptions {
  ConfigOptions config;
  int64_t batch = 0;
  int steps = 20, warm_up = 3;
  bool json = false;
};

/// Images uniform in [-1, 1), classes uniform.
void fill_with_noise(Program& program, const GameInput& input, uint64_t seed, int64_t classes) {
  const std::span<std::byte> bytes = program.input(input.name);
  PhiloxStream random(seed, 0, static_cast<uint32_t>(input.draw));
  if (input.dtype == DType::i32) {
    for (int32_t& v : std::span(reinterpret_cast<int32_t*>(bytes.data()), bytes.size() / sizeof(int32_t)))
      v = static_cast<int32_t>(random.below(static_cast<uint32_t>(classes)));
  } else {
    for (float& v : std::span(reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)))
      v = 2 * random.uniform() - 1;
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int bench(const BenchOptions& options) {
  check(options.steps >= 1, ErrorKind::usage, "agon bench: --steps {}; give at least 1", options.steps);
  const Config config = options.config.resolve();
  const Game game(config);
  const int64_t batch = options.batch > 0 ? options.batch : config.integer("train.batch_size");
  const auto seed = static_cast<uint64_t>(config.integer("seed"));
  const auto backend = open_backend(config.string("device"));
  const auto store = backend->make_store();
  CompileOptions compile;
  compile.seed = seed;
  compile.precision = config.string("precision") == "bf16" ? Precision::bf16 : Precision::f32;
  const auto program = backend->compile(game.iteration(batch), *store, compile);
  game.initialise(*store, seed);
  for (const GameInput& input : game.inputs(batch))
    fill_with_noise(*program, input, seed, std::max<int64_t>(2, config.integer("data.classes")));

  std::vector<double> milliseconds;
  const int total = options.warm_up + options.steps;
  for (int step = 0; step < total; ++step) {
    const auto start = std::chrono::steady_clock::now();
    for (const auto& [name, value] : game.scalars(static_cast<uint64_t>(step), static_cast<uint64_t>(total)))
      program->set_scalar(name, value);
    program->run(static_cast<uint64_t>(step));
    program->drain();
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    if (step >= options.warm_up) milliseconds.push_back(taken.count());
  }
  const double step_ms = median(milliseconds), least = *std::ranges::min_element(milliseconds);
  const double images_per_s = 1000 * static_cast<double>(batch * game.draws()) / step_ms;
  const double peak_mb = static_cast<double>(peak_resident_bytes()) / (1 << 20);
  if (options.json) {
    const nlohmann::ordered_json json{
        {"system", config.string("name")}, {"device", backend->name()}, {"batch", batch},
        {"steps", options.steps},          {"step_ms", step_ms},        {"step_ms_least", least},
        {"images_per_s", images_per_s},    {"peak_rss_mb", peak_mb}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}: {:.2f} ms a step (median of {}, least {:.2f}), {:.0f} images/s, peak memory {:.0f} MiB\n",
               config.string("name"), step_ms, options.steps, least, images_per_s, peak_mb);
  }
  return exit_done;
}

}  // namespace

void add_bench(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand("bench", "time the training step of a preset on random images");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("config", options->config.name, "preset, or path of a config")
      ->type_name("PRESET|CONFIG.toml")
      ->required();
  options->config.add_to(*command);
  command->add_option("--steps", options->steps, "timed steps; default 20")->type_name("N");
  command->add_option("--warm-up", options->warm_up, "steps before; default 3")->type_name("N");
  command->add_option("--batch", options->batch, "default: train.batch_size")->type_name("N");
  command->add_flag("--json", options->json, "print one line of JSON");
  command->callback([&job, options] { job = [options] { return bench(*options); }; });
}

}  // namespace agon::app
