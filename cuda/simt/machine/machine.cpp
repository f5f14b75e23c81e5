#include "cuda/simt/machine/machine.h"

#include <algorithm>
#include <cfenv>
#include <exception>
#include <fmt/ranges.h>
#include <thread>

#include "agon/error.h"

#include "cuda/simt/count/tally.h"
#include "cuda/simt/machine/block_set.h"

namespace agon::simt {

namespace {

LaunchChecker::Shape shape_of(const Launch& launch) {
  LaunchChecker::Shape shape;
  const auto copy = [](std::uint32_t(&to)[3], const Dim3& from) {
    to[0] = from.x;
    to[1] = from.y;
    to[2] = from.z;
  };
  copy(shape.grid, launch.grid);
  copy(shape.block, launch.block);
  shape.shared_bytes = launch.kernel->shared_bytes + launch.dynamic_shared;
  shape.local_bytes = launch.kernel->local_bytes;
  return shape;
}

// The innermost line of the program's own: not the body of __shfl_sync in the toolkit's headers, but its
// call.
SourcePlace place_of(const Kernel& kernel, std::uint32_t pc) {
  if (pc >= kernel.instructions.size()) return {};
  std::uint32_t line = kernel.instructions[pc].line;
  if (line >= kernel.lines.size()) return {};
  const auto is_toolkit = [](const std::string& file) {
    return file.find("/targets/") != std::string::npos || file.find("/include/") != std::string::npos;
  };
  while (is_toolkit(kernel.lines[line].file) && kernel.lines[line].inlined_at)
    line = kernel.lines[line].inlined_at;
  return {kernel.lines[line].file, kernel.lines[line].line};
}

// A host thread's share of the launch: groups of blocks, one after the other, until none is left.
void work(Run& run, const Groups& groups, Worker& worker) {
  std::fenv_t before;
  std::feholdexcept(&before);
  std::fesetround(FE_TONEAREST);
  try {
    BlockSet blocks(worker, groups.largest());
    while (!run.stopped.load(std::memory_order_relaxed)) {
      const std::uint64_t group = run.next_group.fetch_add(1, std::memory_order_relaxed);
      if (group >= groups.count()) break;
      blocks.run(group, groups.blocks(group));
    }
  } catch (const Stopped&) {
    run.stopped = true;
  }
  std::fesetenv(&before);
}

}  // namespace

LaunchResult run(const Launch& launch, Memory& memory, const Options& options) {
  check(launch.kernel && launch.block.count() > 0 && launch.block.count() <= 1024, ErrorKind::internal,
        "simulated device: a launch without a kernel, or of {} threads a block", launch.block.count());
  const std::shared_ptr<const Code> code = code_of(*launch.kernel);
  LaunchChecker checker(memory, launch.kernel->name, shape_of(launch),
                        [&](std::uint32_t pc) { return place_of(*launch.kernel, pc); });
  LaunchResult result;
  // What is not known is an error of the launch, whether or not a thread would come to it.
  if (!code->unknown.empty()) {
    checker.report(FaultKind::unknown_instruction, 0, 0, code->unknown_pc,
                   fmt::format("this device does not know {}", fmt::join(code->unknown, ", ")));
    result.completed = false;
    result.reports = checker.log().take();
    return result;
  }
  std::optional<Touch> touch;
  if (options.counters) touch.emplace(memory);
  Run shared{launch, options, memory, *code, checker, touch ? &*touch : nullptr};

  const int wanted = std::max(options.threads, 1);
  const Groups groups(launch, wanted);
  const auto threads =
      static_cast<std::size_t>(std::min<std::uint64_t>(static_cast<std::uint64_t>(wanted), groups.count()));
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < threads; ++i) workers.push_back(std::make_unique<Worker>(shared));
  std::vector<std::exception_ptr> errors(threads);
  const auto guarded = [&](std::size_t i) {
    try {
      work(shared, groups, *workers[i]);
    } catch (...) {
      errors[i] = std::current_exception();
      shared.stopped = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(guarded, i);
    if (threads) guarded(0);
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);

  result.completed = !shared.stopped;
  if (options.counters) {
    for (const std::unique_ptr<Worker>& worker : workers) add_tallies(result.counters, *worker);
    result.counters.launches = 1;
    result.counters.blocks = launch.grid.count();
    result.counters.warps = result.counters.blocks * ((launch.block.count() + warp_lanes - 1) / warp_lanes);
    result.counters.touched = touch->collect();
  }
  result.reports = checker.log().take();
  return result;
}

}  // namespace agon::simt
