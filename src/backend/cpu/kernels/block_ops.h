#pragma once
#include <cstdint>

#include "agon/graph.h"

namespace agon::cpu {

/// out[i] = instruction(a[i], b[i], c[i]) for i < n: one step of an ElementwiseProgram over a block, which a
/// caller keeps in the first-level cache from one step to the next. Operands that the op does not have may be
/// null; `out` may be any of the operands. One thread; costs no more than the op.
void evaluate_block(const ElementwiseProgram::Instruction& instruction, const float* a, const float* b,
                    const float* c, int64_t n, float* out);

}  // namespace agon::cpu
