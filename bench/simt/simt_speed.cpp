// How fast the simulated device runs the inner loops of products, with and without its checks:
//   agon_simt_bench [threads]
// Prints multiply-adds a second and host core: median of five launches each, after one to warm up.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "cuda/simt/check/memory.h"
#include "cuda/simt/machine/machine.h"
#include "cuda/simt/program.h"
#include "product_loop.h"

namespace {

using namespace agon::simt;

constexpr std::uint32_t blocks = 4;

// The cores' time, of all threads: what else runs on the machine does not count.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double seconds_of(const Launch& launch, Memory& memory, const Options& options) {
  const double start = cpu_seconds();
  const LaunchResult result = run(launch, memory, options);
  const double time = cpu_seconds() - start;
  for (const Report& report : result.reports) std::fprintf(stderr, "%s\n", report.message.c_str());
  if (!result.completed || !result.reports.empty()) std::exit(1);
  return time;
}

void measure(const char* what, const std::string& text, double per_block, int threads, bool checks,
             bool counters) {
  Module module(text);
  module.place([](const Variable&) { return std::uint64_t{0}; });
  Memory memory;
  const std::uint64_t out = memory.allocate(blocks * 256 * 512);
  Launch launch;
  launch.module = &module;
  launch.kernel = &module.kernel("product");
  launch.grid.x = blocks;
  launch.block.x = 256;
  launch.params = std::as_bytes(std::span(&out, 1));
  launch.seed = 1;
  Options options;
  options.checks = checks;
  options.counters = counters;
  options.threads = threads;
  std::vector<double> times;
  Clock clock;
  for (int round = 0; round < 6; ++round) {
    launch.operation = memory.history().begin(0, clock);
    clock = memory.history().clock();
    const double time = seconds_of(launch, memory, options);
    if (round > 0) times.push_back(time);
  }
  std::sort(times.begin(), times.end());
  std::printf("%-14s checks %-3s counters %-3s %8.2f G multiply-adds/s a core\n", what, checks ? "on" : "off",
              counters ? "on" : "off", per_block * blocks / times[2] * 1e-9);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 1;
  const std::string fp32 = agon::bench::product_loop(50), bf16 = agon::bench::mma_loop(50);
  for (const bool checks : {false, true})
    for (const bool counters : {false, true}) {
      measure("fp32 fma", fp32, agon::bench::fma_per_block_step * 50, threads, checks, counters);
      measure("bf16 mma", bf16, agon::bench::mac_per_block_step * 50, threads, checks, counters);
    }
}
