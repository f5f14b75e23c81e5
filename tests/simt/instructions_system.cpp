// What nvcc compiles to calls of the system: printf and assert; and traps that name their line.
#include <cstdlib>
#include <string>

#include "catch.h"
#include "cuda/simt/check/memory.h"
#include "cuda/simt/machine/machine.h"
#include "cuda/simt/program.h"
#include "instructions_fixture.h"
#include "ptx_compile.h"

using namespace agon::simt;

namespace {

struct Printed {
  std::string text;
  LaunchResult result;
};

// Runs `kernel(int)` of CUDA source on one warp.
Printed run_source(const std::string& source, int argument) {
  Module module(ptx_test::compile(source));
  Memory memory;
  memory.history().begin(0, {});
  instruction_test::place(module, memory);
  Printed printed;
  Launch launch;
  launch.module = &module;
  launch.kernel = &module.kernel("kernel");
  launch.block.x = 32;
  launch.params = std::as_bytes(std::span(&argument, 1));
  Clock clock;
  clock.raise(0, memory.history().current());
  launch.operation = memory.history().begin(0, clock);
  Options options;
  options.print = [&](std::string_view text) { printed.text += text; };
  printed.result = run(launch, memory, options);
  return printed;
}

}  // namespace

// Broken: printf's arguments, their widths, and strings among them.
TEST_CASE("printf", "[instructions]") {
  const Printed printed = run_source(R"(
    #include <cstdio>
    extern "C" __global__ void kernel(int n) {
      if (threadIdx.x < 2)
        printf("%d|%5.2f|%s|%llu|%c|%x|%%|%-4u|%*d\n", n + (int)threadIdx.x, 3.14159f, "text", 1ull << 40, 'z', 255u, 7u, 6, -5);
    }
  )",
                                     41);
  REQUIRE(printed.result.completed);
  REQUIRE(printed.text ==
          "41| 3.14|text|1099511627776|z|ff|%|7   |    -5\n"
          "42| 3.14|text|1099511627776|z|ff|%|7   |    -5\n");
}

// Broken: an assert that fails unheard, or does not say where.
TEST_CASE("assert and trap stop the launch", "[instructions]") {
  const std::string source = R"(
    #include <cassert>
    extern "C" __global__ void kernel(int n) {
      if (n == 1) assert(threadIdx.x < 20);
      if (n == 2 && threadIdx.x == 9) __trap();
    }
  )";
  REQUIRE(run_source(source, 0).result.completed);
  const Printed failed = run_source(source, 1);
  REQUIRE_FALSE(failed.result.completed);
  REQUIRE(failed.result.reports.size() == 1);
  const Report& report = failed.result.reports.front();
  INFO(report.message);
  CHECK(report.kind == FaultKind::trap);
  CHECK(report.message.find("threadIdx.x < 20") != std::string::npos);
  CHECK(report.thread[0] == 20);
  const Printed trapped = run_source(source, 2);
  REQUIRE_FALSE(trapped.result.completed);
  CHECK(trapped.result.reports.front().kind == FaultKind::trap);
  CHECK(trapped.result.reports.front().thread[0] == 9);
  CHECK(trapped.result.reports.front().line == 5);
}
