#pragma once
#include <cstdint>

#include "agon/graph.h"

namespace agon::cpu {

/// A loop over two or three arithmetic instructions at once, y[i] = f(x0[i], .., x3[i]) for i < n; y may be
/// any operand. Operands that f does not have are ignored; `alpha` is the slope of a leaky_relu.
using PassOp = void (*)(const float* x0, const float* x1, const float* x2, const float* x3, int64_t n,
                        float alpha, float* y);

/// second(first(x0, x1), x2) where `second` takes the first's result as operand `position`; null where there
/// is no such loop.
PassOp pair_op(const ElementwiseProgram::Instruction& first, const ElementwiseProgram::Instruction& second,
               int position);

/// (x0 - x1) * x2 + x3: linear interpolation, as of averaged weights and between real and generated images.
PassOp lerp_op();

}  // namespace agon::cpu
