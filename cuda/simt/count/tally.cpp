#include "cuda/simt/count/tally.h"

namespace agon::simt {

namespace {

void add_lanes(Counters& counters, const Cost& cost, std::uint64_t lanes) {
  counters.fma_fp32 += cost.fma_fp32 * lanes;
  counters.flops_fp32 += cost.flops_fp32 * lanes;
  counters.fma_fp64 += cost.fma_fp64 * lanes;
  counters.fma_half += cost.fma_half * lanes;
}

}  // namespace

void add_tallies(Counters& counters, const Worker& worker) {
  const Code& code = worker.run.code;
  Counters sum = worker.counters;
  for (std::size_t b = 0; b < code.blocks.size(); ++b) {
    const BasicBlock& block = code.blocks[b];
    const std::uint64_t times = worker.entered[b], lanes = worker.entered_lanes[b];
    for (std::size_t kind = 0; kind < instruction_kinds; ++kind)
      sum.instructions[kind] += block.instructions[kind] * times;
    sum.issue_slots += block.cost.slots * times;
    sum.mac_tensor += block.cost.mac_tensor * times;
    sum.barriers += block.cost.barriers * times;
    sum.thread_instructions += block.unguarded * lanes;
    add_lanes(sum, block.cost, lanes);
  }
  for (std::size_t g = 0; g < code.guards.size(); ++g) {
    sum.thread_instructions += worker.guarded_lanes[g];
    add_lanes(sum, code.guards[g], worker.guarded_lanes[g]);
  }
  sum.issue_slots += sum.shared_wavefronts;
  counters += sum;
}

}  // namespace agon::simt
