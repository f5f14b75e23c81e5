#include "backend/cpu/kernels/block_ops.h"

#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/vector_math.h"

#define AGON_ISA_FILE "backend/cpu/kernels/block_ops.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {

void evaluate_block(const ElementwiseProgram::Instruction& instruction, const float* a, const float* b,
                    const float* c, int64_t n, float* out) {
  check(AGON_BEST(evaluate)(instruction, a, b, c, n, out), ErrorKind::internal,
        "cpu: {} is no elementwise op", name_of(instruction.op));
}

}  // namespace agon::cpu
