#include <fstream>
#include <vector>

#include "agon/program.h"

#include "backend/cuda/tuner.h"
#include "catch.h"
#include "cuda/device.h"
#include "support/scratch.h"

using namespace agon;

namespace {

/// A convolution small enough to time its implementations on a simulated device.
Graph small_graph() {
  Graph g;
  const Value x = g.input("x", {2, 8, 8, 16});
  const Value w = g.state("w", {16, 3, 3, 16});
  g.output("y", conv(x, w, Window::square(3, 1, 1)));
  return g;
}

struct Compiled {
  std::map<std::string, std::string> choices;
  std::vector<std::string> remarks;
};

Compiled compile(Backend& backend, const std::filesystem::path& file,
                 std::map<std::string, std::string> given = {}) {
  Compiled result;
  const auto store = backend.make_store();
  CompileOptions options;
  options.autotune = true;
  options.tuning_file = file;
  options.choices = std::move(given);
  options.log = [&](const std::string& line) { result.remarks.push_back(line); };
  result.choices = backend.compile(small_graph(), *store, options)->info().choices;
  return result;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

// Kernels would be measured at every start, or by a cache of another device's measurements.
TEST_CASE("a measured choice is kept and found again") {
  const auto backend = simulated_device("a measured choice is kept");
  if (!backend) return;
  const Scratch scratch;
  const auto first = compile(*backend, scratch / "kernels.json");
  REQUIRE(first.choices.size() == 1);
  CHECK(first.remarks.empty());
  // What the file says is believed.
  device::TuningCache other(scratch / "kernels.json", "another device", {});
  CHECK_FALSE(other.find(first.choices.begin()->first));
  const auto second = compile(*backend, scratch / "kernels.json");
  CHECK(second.choices == first.choices);
}

// A damaged file in the user's cache would stop every run.
TEST_CASE("a damaged tuning cache is told on one line and begun afresh") {
  const auto backend = simulated_device("a damaged tuning cache");
  if (!backend) return;
  const Scratch scratch;
  const auto whole = compile(*backend, scratch / "whole.json");
  for (const std::string damage : {"", "{\"half", "[1, 2]", "{\"a\": 3}", "\x00\xff binary"}) {
    INFO(damage);
    std::ofstream(scratch / "kernels.json") << damage;
    const auto got = compile(*backend, scratch / "kernels.json");
    REQUIRE(got.remarks.size() == 1);
    CHECK(got.remarks[0].find("kernels.json") != std::string::npos);
    CHECK(got.remarks[0].find('\n') == std::string::npos);
    CHECK(got.choices == whole.choices);
    CHECK(content(scratch / "kernels.json") == content(scratch / "whole.json"));
  }
}

// A folder that cannot be written to would stop every run, or have its user wonder why each start takes long.
TEST_CASE("a tuning cache that cannot be kept is told on one line, and its choices hold") {
  const auto backend = simulated_device("a tuning cache that cannot be kept");
  if (!backend) return;
  const Scratch scratch;
  std::ofstream(scratch / "file") << "no folder";
  const auto got = compile(*backend, scratch / "file" / "kernels.json");
  CHECK(got.choices.size() == 1);
  REQUIRE(got.remarks.size() == 1);
  CHECK(got.remarks[0].find("kernels.json: cannot be written") != std::string::npos);
}

// A run that is resumed elsewhere would compute with other roundings than it began with.
TEST_CASE("given choices are used, and ones that are not there are told") {
  const auto backend = simulated_device("given choices are used");
  if (!backend) return;
  const auto free = compile(*backend, {});
  REQUIRE(free.choices.size() == 1);
  const std::string problem = free.choices.begin()->first;
  const auto odd = compile(*backend, {}, {{problem, "an instance that never was"}});
  CHECK(odd.choices == free.choices);
  REQUIRE(odd.remarks.size() == 1);
  CHECK(odd.remarks[0].find("an instance that never was") != std::string::npos);
  const auto same = compile(*backend, {}, free.choices);
  CHECK(same.choices == free.choices);
  CHECK(same.remarks.empty());
}

// A library that cannot be part of a graph would stop every compile, and a choice made for want of memory
// would be kept for good.
TEST_CASE("the fastest of what can be captured is chosen, and nothing where nothing could be tried") {
  const auto backend = simulated_device("the fastest of what can be captured");
  if (!backend) return;
  const auto simulated =
      std::make_shared<const device::Device>(device::Library::load(device::Runtime::simulated), 0, nullptr);
  const Scratch scratch;
  CompileOptions options;
  options.autotune = true;
  options.tuning_file = scratch / "kernels.json";
  const device::DeviceMemory memory(simulated, 4096, "the test");
  const auto fill = [&](int times) {
    agon::cuda::FillArgs args;
    args.dst = memory.data(), args.count = 1024, args.value = 1;
    for (int i = 0; i < times; ++i)
      simulated->require(simulated->cuda().fill(simulated->context(), &args), "fill");
  };
  const std::vector<std::string> names{"slow", "waits", "fast", "absent"};
  device::Tuner tuner(simulated, options);
  CHECK(tuner.choose("some", names, [&](size_t candidate) {
    if (candidate == 3) fail(ErrorKind::unsupported, "no such thing");
    fill(candidate == 0 ? 40 : 1);
    if (candidate == 1) simulated->synchronize();
  }) == "fast");
  CHECK(tuner.choose("none", names, [](size_t) { fail(ErrorKind::unsupported, "no room"); }).empty());
  CHECK(tuner.finish() == std::map<std::string, std::string>{{"some", "fast"}});
  CHECK(content(options.tuning_file).find("none") == std::string::npos);
}
