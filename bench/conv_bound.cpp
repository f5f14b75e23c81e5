// agon_conv_bound [--precision f32|bf16] [--nhwc] [--batch N] [--json] PRESET|CONFIG.toml|conv:PROBLEM...
// Times oneDNN's convolutions alone, in the formats that oneDNN prefers (or with NHWC activations): every
// pass of a PROBLEM such as conv:mb64ic128ih32iw32oc256kh4kw4sh2sw2ph1pw1, or all those of one training
// iteration of a preset, whose sum is the bound that a training step is held against. With bf16, weight
// gradients are f32 and everything else is bf16, as in mixed precision.
#include <cstdio>
#include <fmt/format.h>
#include <string_view>
#include <vector>

#include "agon/config.h"
#include "agon/error.h"

#include "conv_problem.h"
#include "iteration_convs.h"
#include "onednn_conv.h"

namespace {

using namespace agon;
using namespace agon::bench;

struct Options {
  ConvFormats formats;
  int64_t batch = 0;
  bool json = false;
  std::vector<std::string> subjects;
};

constexpr std::string_view usage =
    "usage: agon_conv_bound [--precision f32|bf16] [--nhwc] [--batch N] [--json] "
    "PRESET|CONFIG.toml|conv:PROBLEM...";

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&]() -> std::string_view {
      check(++i < count, ErrorKind::usage, "{} lacks its value; {}", argument, usage);
      return arguments[i];
    };
    if (argument == "--nhwc") {
      options.formats.src = options.formats.dst = dnnl::memory::format_tag::nhwc;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--batch") {
      options.batch = parse_conv_problem(fmt::format("mb{}", value())).mb;
    } else if (argument == "--precision") {
      const std::string_view precision = value();
      check(precision == "f32" || precision == "bf16", ErrorKind::usage, "unknown precision '{}'; {}",
            precision, usage);
      if (precision == "bf16") options.formats.type = dnnl::memory::data_type::bf16;
    } else {
      options.subjects.emplace_back(argument);
    }
  }
  check(!options.subjects.empty(), ErrorKind::usage, "{}", usage);
  return options;
}

std::vector<ConvUse> uses_of(const std::string& subject, int64_t batch) {
  if (subject.starts_with("conv:")) {
    std::vector<ConvUse> uses;
    for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights})
      uses.push_back({"conv", parse_conv_problem(subject), pass, 1});
    return uses;
  }
  const Config config = Config::named(subject);
  return iteration_convs(config, batch > 0 ? batch : config.integer("train.batch_size"));
}

/// Prints a line per pass and returns the milliseconds of one iteration.
double measure(const std::string& subject, const Options& options) {
  double total = 0;
  for (const auto& [name, problem, pass, count] : uses_of(subject, options.batch)) {
    OneDnnConv conv(problem, pass, options.formats);
    const double time = conv.seconds();
    if (!options.json)
      fmt::print("{} x {:5} {:9.3f} ms {:7.1f} GFLOP/s  {}  {} x {} -> {}  conv:{}  {}\n", count,
                 name_of(pass), time * 1e3, problem.flops() / time * 1e-9, conv.implementation(),
                 format_name(conv.src()), format_name(conv.weights()), format_name(conv.dst()), problem.str(),
                 name);
    total += count * time * 1e3;
  }
  return total;
}

int run(const Options& options) {
  for (const std::string& subject : options.subjects) {
    const double total = measure(subject, options);
    if (options.json)
      fmt::print("{{\"network\": \"{}\", \"bound_ms\": {:.3f}}}\n", subject, total);
    else
      fmt::print("{}: {:.1f} ms\n", subject, total);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(parse(count, arguments));
  } catch (const std::exception& error) {
    fmt::print(stderr, "agon_conv_bound: {}\n", error.what());
    return 2;
  }
}
