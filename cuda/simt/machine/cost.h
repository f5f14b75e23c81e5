// What an instruction counts as.
#pragma once

#include "cuda/simt/machine/code.h"

namespace agon::simt {

// count_: decided when it runs (generic accesses).
InstructionKind kind_of(const Instruction& in);
Cost cost_of(const Instruction& in);
bool accesses_memory(Op op);

}  // namespace agon::simt
