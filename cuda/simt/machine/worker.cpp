#include "cuda/simt/machine/worker.h"

#include <bit>

namespace agon::simt {

Worker::Worker(Run& shared_run)
    : run(shared_run),
      memory(shared_run.memory),
      counting(shared_run.options.counters),
      entered(shared_run.code.blocks.size()),
      entered_lanes(shared_run.code.blocks.size()),
      guarded_lanes(shared_run.code.guards.size()),
      patterns(shared_run.code.accesses) {}

void stop(Warp& w, const Step* s, FaultKind kind, std::uint32_t lanes, const std::string& what,
          std::uint64_t address) {
  const Worker& worker = *w.worker;
  const std::uint32_t thread =
      w.index * warp_lanes + (lanes ? static_cast<std::uint32_t>(std::countr_zero(lanes)) : 0u);
  worker.run.checker.report(kind, w.block->linear, thread, pc_of(worker, s), what, address);
  throw Stopped{};
}

}  // namespace agon::simt
