#include "backend/cpu/kernels/block_ops.h"

#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

#define AGON_ISA_FILE "backend/cpu/kernels/block_ops.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 4096;

}  // namespace

void evaluate_block(const ElementwiseProgram::Instruction& instruction, const float* a, const float* b,
                    const float* c, int64_t n, float* out) {
  check(AGON_BEST(evaluate)(instruction, a, b, c, n, out), ErrorKind::internal,
        "cpu: {} is no elementwise op", name_of(instruction.op));
}

void activation_forward(const float* x, int64_t n, const Activation& f, float* y) {
  const auto leaf = AGON_BEST(forward);
  parallel_ranges(n, grain, [&](int64_t begin, int64_t end, int) {
    leaf(x + begin, end - begin, f.kind, static_cast<float>(f.alpha), y + begin);
  });
}

void activation_grad(const float* y, const float* dy, int64_t n, const Activation& f, float* dx) {
  const auto leaf = AGON_BEST(backward);
  parallel_ranges(n, grain, [&](int64_t begin, int64_t end, int) {
    leaf(y + begin, dy + begin, end - begin, f.kind, static_cast<float>(f.alpha), dx + begin);
  });
}

}  // namespace agon::cpu
