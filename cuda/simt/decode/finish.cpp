#include "cuda/simt/decode/finish.h"

#include "cuda/simt/decode/flow.h"
#include "cuda/simt/decode/registers.h"

namespace agon::simt::ptx {
namespace {

void fill_slots(Draft& draft, const Allocation& allocation) {
  for (size_t n = 0; n < draft.instructions.size(); ++n) {
    Instruction& i = draft.instructions[n];
    for (const Reference& r : draft.references_of(n)) {
      const auto reg = static_cast<size_t>(r.reg);
      int32_t slot = allocation.slots[reg];
      if (draft.registers[reg] == RegisterClass::predicate && !r.written)
        slot = slot << 1 | (r.negated ? 1 : 0);
      switch (r.field) {
        case Field::guard:
          i.guard = static_cast<uint16_t>(slot);
          break;
        case Field::d:
          i.d = slot;
          break;
        case Field::d2:
          i.d2 = slot;
          break;
        case Field::a:
          i.a = slot;
          break;
        case Field::b:
          i.b = slot;
          break;
        case Field::c:
          i.c = slot;
          break;
        case Field::list:
          draft.operands[r.list_index] = slot;
          break;
      }
    }
  }
}

void fill_reconvergence(Draft& draft, const FlowGraph& graph) {
  const std::vector<uint32_t> dominators = post_dominators(graph);
  for (uint32_t b = 0; b < graph.size(); ++b) {
    Instruction& last = draft.instructions[graph.starts[b + 1] - 1];
    if (last.op == Op::Bra || last.op == Op::BrxIdx) last.reconverge = graph.starts[dominators[b]];
  }
}

}  // namespace

void finish_kernel(Draft&& draft, Kernel& kernel) {
  draft.first_reference.push_back(static_cast<uint32_t>(draft.references.size()));
  const FlowGraph graph = flow_graph(draft.instructions, draft.operands);
  const Allocation allocation = allocate_registers(draft, graph);
  fill_slots(draft, allocation);
  fill_reconvergence(draft, graph);
  kernel.slots = allocation.lines;
  kernel.predicates = allocation.predicates;
  kernel.registers = allocation.registers;
  kernel.leaders.assign(graph.starts.begin(), graph.starts.end() - 1);
  kernel.constants = draft.constants.take();
  kernel.instructions = std::move(draft.instructions);
  kernel.operands = std::move(draft.operands);
  kernel.lines = std::move(draft.lines);
}

}  // namespace agon::simt::ptx
