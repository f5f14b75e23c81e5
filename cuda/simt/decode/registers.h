#pragma once
#include "cuda/simt/decode/draft.h"
#include "cuda/simt/decode/flow.h"

namespace agon::simt::ptx {

struct Allocation {
  std::vector<int32_t> slots;  ///< of each virtual register: a line, or a predicate's index
  uint32_t lines = 0;          ///< lines of registers in use
  uint32_t predicates = 0;
  uint32_t registers = 0;  ///< 32-bit registers live at once at most
};

/// Gives every virtual register its slot, by linear scan over the intervals in which it lives.
Allocation allocate_registers(const Draft& draft, const FlowGraph& graph);

}  // namespace agon::simt::ptx
