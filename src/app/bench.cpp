#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "agon/error.h"

#include "app/command.h"
#include "app/config_options.h"
#include "app/format.h"
#include "app/machine.h"
#include "app/random_step.h"

namespace agon::app {
namespace {

struct BenchOptions {
  ConfigOptions config;
  std::optional<int64_t> batch;
  int steps = 20, warm_up = 3;
  bool json = false;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int bench(const BenchOptions& options) {
  check(options.steps >= 1, ErrorKind::usage, "agon bench: --steps {}; give at least 1", options.steps);
  check(options.warm_up >= 0, ErrorKind::usage, "agon bench: --warm-up {}; give 0 or more", options.warm_up);
  check(options.batch.value_or(1) >= 1, ErrorKind::usage, "agon bench: --batch {}; give at least 1",
        options.batch.value_or(1));
  const Config config = options.config.resolve();
  RandomStep random(config, options.batch.value_or(config.integer("train.batch_size")));
  Program& program = random.program();

  std::vector<double> milliseconds;
  const int total = options.warm_up + options.steps;
  for (int step = 0; step < total; ++step) {
    const auto start = std::chrono::steady_clock::now();
    random.schedule(static_cast<uint64_t>(step), static_cast<uint64_t>(total));
    program.run(static_cast<uint64_t>(step));
    program.drain();
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    if (step >= options.warm_up) milliseconds.push_back(taken.count());
  }
  const double step_ms = median(milliseconds), least = *std::ranges::min_element(milliseconds);
  const double images_per_s = 1000 * static_cast<double>(random.batch() * random.game().draws()) / step_ms;
  const double peak_mb = static_cast<double>(peak_resident_bytes()) / (1 << 20);
  if (options.json) {
    const nlohmann::ordered_json json{{"system", config.string("name")},
                                      {"device", random.backend().name()},
                                      {"batch", random.batch()},
                                      {"steps", options.steps},
                                      {"step_ms", step_ms},
                                      {"step_ms_least", least},
                                      {"images_per_s", images_per_s},
                                      {"peak_rss_mb", peak_mb}};
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
