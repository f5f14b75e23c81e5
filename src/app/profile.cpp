#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "agon/error.h"
#include "agon/trainer.h"

#include "app/chrome_trace.h"
#include "app/command.h"
#include "app/config_options.h"
#include "app/format.h"
#include "app/random_step.h"
#include "app/roofline.h"

namespace agon::app {
namespace {

using Json = nlohmann::ordered_json;

struct ProfileOptions {
  ConfigOptions config;
  std::optional<int64_t> batch;
  int steps = 10, top = 20;
  std::string trace;
  bool json = false;
};

/// Kernels that are told as one line.
struct Row {
  std::string label;
  int calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
  double least = 0;  ///< seconds by the roofline
  std::vector<std::pair<std::string, double>> counters;

  void add(const KernelTime& kernel, const std::optional<Roofline>& roofline) {
    ++calls;
    seconds += kernel.seconds;
    flops += kernel.flops;
    bytes += kernel.bytes;
    if (roofline) least += roofline->seconds(kernel.flops, kernel.bytes);
    for (const auto& [name, count] : kernel.counters) {
      const auto found = std::ranges::find(counters, name, &std::pair<std::string, double>::first);
      if (found == counters.end())
        counters.emplace_back(name, count);
      else
        found->second += count;
    }
  }
};

/// Whether the device tells counts in place of times.
bool counted(const std::vector<KernelTime>& kernels) {
  return std::ranges::any_of(kernels, [](const KernelTime& kernel) { return !kernel.counters.empty(); });
}

std::vector<Row> rows_by_op(const std::vector<KernelTime>& kernels, const std::optional<Roofline>& roofline) {
  std::vector<Row> rows;
  for (const KernelTime& kernel : kernels) {
    auto found = std::ranges::find(rows, kernel.op, &Row::label);
    if (found == rows.end()) found = rows.insert(rows.end(), Row{kernel.op, 0, 0, 0, 0, 0, {}});
    found->add(kernel, roofline);
  }
  return rows;
}

std::vector<Row> rows_by_kernel(const std::vector<KernelTime>& kernels,
                                const std::optional<Roofline>& roofline) {
  std::vector<Row> rows;
  for (const KernelTime& kernel : kernels) {
    Row& row = rows.emplace_back();
    row.label = fmt::format("{} {} {}", kernel.op, kernel.name, kernel.detail);
    row.add(kernel, roofline);
  }
  return rows;
}

double cost(const Row& row) {
  return row.counters.empty() ? row.seconds : row.counters.front().second;
}

void print_times(const std::string& title, std::vector<Row> rows, size_t limit, double total) {
  std::ranges::stable_sort(rows, std::greater(), cost);
  fmt::print("\n{:>5} {:>10} {:>6} {:>9} {:>8} {:>9}  {}\n", "calls", "ms", "share", "GFLOP/s", "GB/s",
             "roofline", title);
  for (size_t i = 0; i < std::min(limit, rows.size()); ++i) {
    const Row& row = rows[i];
    fmt::print("{:>5} {:>10.3f} {:>5.1f}% {:>9.1f} {:>8.1f} {:>8.0f}%  {}\n", row.calls, row.seconds * 1e3,
               100 * row.seconds / total, row.flops / row.seconds * 1e-9, row.bytes / row.seconds * 1e-9,
               100 * row.least / row.seconds, row.label);
  }
}

/// A column is as wide as its name and as large counts.
size_t width_of(const std::string& name) {
  return std::max<size_t>(name.size(), 14);
}

void print_counters(const std::string& title, std::vector<Row> rows, size_t limit) {
  std::ranges::stable_sort(rows, std::greater(), cost);
  for (size_t i = 0; i < std::min(limit, rows.size()); ++i) {
    const Row& row = rows[i];
    if (i == 0) {
      fmt::print("\n{:>5}", "calls");
      for (const auto& [name, count] : row.counters) fmt::print(" {:>{}}", name, width_of(name));
      fmt::print("  {}\n", title);
    }
    fmt::print("{:>5}", row.calls);
    for (const auto& [name, count] : row.counters)
      fmt::print(" {:>{}}", count_text(static_cast<uint64_t>(count)), width_of(name));
    fmt::print("  {}\n", row.label);
  }
}

Json rows_json(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    Json json{{"kernel", row.label}, {"calls", row.calls}, {"flops", row.flops}, {"bytes", row.bytes}};
    if (row.counters.empty()) {
      json["ms"] = row.seconds * 1e3;
      json["roofline"] = row.least / row.seconds;
    }
    for (const auto& [name, count] : row.counters) json["counters"][name] = count;
    list.push_back(std::move(json));
  }
  return list;
}

int profile(const ProfileOptions& options) {
  check(options.steps >= 1, ErrorKind::usage, "agon profile: --steps {}; give at least 1", options.steps);
  check(options.top >= 0, ErrorKind::usage, "agon profile: --top {}; give 0 (all) or more", options.top);
  check(options.batch.value_or(1) >= 1, ErrorKind::usage, "agon profile: --batch {}; give at least 1",
        options.batch.value_or(1));
  const Config config = options.config.resolve();
  RandomStep random(config, options.batch.value_or(config.integer("train.batch_size")));
  random.schedule(0, 1);
  const bool simulated = random.backend().name() == "simt";
  check(!simulated || options.trace.empty(), ErrorKind::usage,
        "agon profile: simt counts and keeps no time, hence has no trace; use --device cpu or cuda");

  std::optional<Roofline> roofline;
  if (!simulated) roofline = measure_roofline(random.backend(), precision_of(config));
  if (!simulated) random.program().profile(2);  // warm-up
  const std::vector<KernelTime> kernels = random.program().profile(simulated ? 1 : options.steps);

  const int launches = random.program().info().kernels;  // a device's kernels may be more than its steps
  double total = 0;
  for (const KernelTime& kernel : kernels) total += kernel.seconds;
  const auto by_op = rows_by_op(kernels, roofline), by_kernel = rows_by_kernel(kernels, roofline);
  if (!options.trace.empty()) write_chrome_trace(options.trace, config.string("name"), kernels);

  if (options.json) {
    Json json{{"system", config.string("name")},
              {"device", random.backend().name()},
              {"batch", random.batch()},
              {"launches", launches}};
    if (roofline) {
      json["step_ms"] = total * 1e3;
      json["copy_bytes_per_s"] = roofline->bytes_per_s;
      json["matrix_flops_per_s"] = roofline->flops_per_s;
    }
    json["ops"] = rows_json(by_op);
    json["kernels"] = rows_json(by_kernel);
    fmt::print("{}\n", json.dump(2));
    return exit_done;
  }
  fmt::print("{} on {}, batch {}: {} launches a step", config.string("name"), random.backend().name(),
             random.batch(), launches);
  if (roofline)
    fmt::print(
        ", {:.2f} ms in kernels (mean of {} steps)\nroofline: {:.1f} GB/s copied, {:.1f} GFLOP/s in a matrix "
        "product",
        total * 1e3, options.steps, roofline->bytes_per_s * 1e-9, roofline->flops_per_s * 1e-9);
  fmt::print("\n");
  const size_t limit = options.top > 0 ? static_cast<size_t>(options.top) : kernels.size();
  if (counted(kernels)) {
    print_counters("op", by_op, by_op.size());
    print_counters("kernel", by_kernel, limit);
  } else {
    print_times("op", by_op, by_op.size(), total);
    print_times("kernel", by_kernel, limit, total);
  }
  if (limit < kernels.size()) fmt::print("and {} more; --top 0 lists all\n", kernels.size() - limit);
  if (!options.trace.empty())
    fmt::print("\n{}: open it in chrome://tracing or ui.perfetto.dev\n", options.trace);
  return exit_done;
}

}  // namespace

void add_profile(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand(
      "profile",
      "time each kernel of a preset's training step against the roofline (simt: count what it does)");
  auto options = std::make_shared<ProfileOptions>();
  command->add_option("config", options->config.name, "preset, or path of a config")
      ->type_name("PRESET|CONFIG.toml")
      ->required();
  options->config.add_to(*command);
  command->add_option("--steps", options->steps, "steps to average over; default 10")->type_name("N");
  command->add_option("--batch", options->batch, "default: train.batch_size")->type_name("N");
  command->add_option("--top", options->top, "kernels to list; default 20, 0: all")->type_name("N");
  command->add_option("--trace", options->trace, "write a Chrome trace of one step")->type_name("FILE.json");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([&job, options] { job = [options] { return profile(*options); }; });
}

}  // namespace agon::app
