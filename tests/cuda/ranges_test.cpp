#include <cstdlib>
#include <dlfcn.h>
#include <sstream>
#include <string>
#include <vector>

#include "agon/game.h"

#include "catch.h"

using namespace agon;

// This runs with a stand-in for a profiler (tests/cuda/standin/nvtx.cpp), which NVTX_INJECTION64_PATH names.

// A profiler would show a row of nameless kernels.
TEST_CASE("every op of an iteration is in an NVTX range of its name", "[.ranges]") {
  const auto backend = open_backend("simt");
  const Game game(Config::preset("vanilla-gan"));
  const auto store = backend->make_store();
  const auto program = backend->compile(game.iteration(2), *store, {});

  void* profiler = ::dlopen(std::getenv("NVTX_INJECTION64_PATH"), RTLD_NOW | RTLD_NOLOAD);
  REQUIRE(profiler != nullptr);
  std::istringstream ranges(reinterpret_cast<const char* (*)()>(::dlsym(profiler, "standin_ranges"))());
  CHECK(reinterpret_cast<int (*)()>(::dlsym(profiler, "standin_depth"))() == 0);
  const auto& lines = program->info().lines;
  size_t count = 0;
  for (std::string name; std::getline(ranges, name); ++count) {
    INFO(name);
    REQUIRE(count < lines.size());
    CHECK(lines[count].find(" " + name + " ") != std::string::npos);
  }
  CHECK(count == lines.size());
}
