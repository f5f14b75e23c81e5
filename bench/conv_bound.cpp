// agon_conv_bound [--nhwc] [--json] NETWORK|PROBLEM...
// Times oneDNN's convolutions alone, fp32, in the formats that oneDNN prefers (or with NHWC activations):
// every pass of a PROBLEM such as conv:mb64ic128ih32iw32oc256kh4kw4sh2sw2ph1pw1, or all those of one training
// iteration of a NETWORK (dcgan-64, dcgan-cifar10), whose sum is the bound that a training step is held
// against.
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <string_view>

#include "agon/error.h"

#include "conv_problem.h"
#include "onednn_conv.h"

namespace {

using namespace agon;
using namespace agon::bench;

struct Options {
  bool nhwc = false, json = false;
  std::vector<std::string> subjects;
};

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--nhwc")
      options.nhwc = true;
    else if (argument == "--json")
      options.json = true;
    else
      options.subjects.emplace_back(argument);
  }
  check(!options.subjects.empty(), ErrorKind::usage,
        "usage: agon_conv_bound [--nhwc] [--json] dcgan-64|dcgan-cifar10|conv:PROBLEM...");
  return options;
}

std::vector<LayerPasses> layers_of(const std::string& subject) {
  if (subject == "dcgan-64") return dcgan_passes(64, 100, 64, {64, 128, 256, 512});
  if (subject == "dcgan-cifar10") return dcgan_passes(64, 100, 32, {64, 128, 256});
  return {{"conv", parse_conv_problem(subject), 1, 1, 1}};
}

/// Prints a line per pass and returns the milliseconds of one iteration.
double measure(const std::string& subject, const Options& options) {
  ConvFormats formats;
  if (options.nhwc) formats.src = formats.dst = dnnl::memory::format_tag::nhwc;
  std::map<std::string, double> seconds;  // layers that mirror each other are timed once
  double total = 0;
  for (const LayerPasses& layer : layers_of(subject)) {
    const std::array<int, 3> times{layer.forward, layer.backward_data, layer.backward_weights};
    for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights}) {
      const int count = times[static_cast<size_t>(pass)];
      if (count == 0) continue;
      const std::string key = fmt::format("{} {}", name_of(pass), layer.problem.str());
      if (!seconds.contains(key)) {
        OneDnnConv conv(layer.problem, pass, formats);
        const double time = seconds[key] = conv.seconds();
        if (!options.json)
          fmt::print("{:4} {:5} {:9.3f} ms {:6.1f} GFLOP/s  {}  {} x {} -> {}  conv:{}\n", layer.name,
                     name_of(pass), time * 1e3, layer.problem.flops() / time * 1e-9, conv.implementation(),
                     format_name(conv.src()), format_name(conv.weights()), format_name(conv.dst()),
                     layer.problem.str());
      }
      total += count * seconds[key] * 1e3;
    }
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
