#pragma once
#include <cstdint>

#include "agon/graph.h"

namespace agon::cpu {

/// y[i] = second(first(x0[i], x1[i]), x2[i]) for i < n; y may be any operand. One pass in place of two.
using PairOp = void (*)(const float* x0, const float* x1, const float* x2, int64_t n, float alpha, float* y);

/// The loop for an arithmetic instruction followed by one that takes its result as operand `position`, or
/// null where there is none. `alpha` is the slope of a leaky_relu.
PairOp pair_op(const ElementwiseProgram::Instruction& first, const ElementwiseProgram::Instruction& second,
               int position);

}  // namespace agon::cpu
