#pragma once
#include <vector>

#include "agon/graph.h"

#include "backend/cpu/kernels/pair_ops.h"

namespace agon::cpu {

/// One pass of a fused chain: an instruction, or two of which the second consumes the first.
struct ChainOp {
  ElementwiseProgram::Instruction instruction;  ///< the only one, or the second
  PairOp pair = nullptr;
  std::vector<int> operands;  ///< one to three, numbered as in the program: inputs, then temporaries
  int result = 0;             ///< the temporary it computes
};

/// The program's instructions in as few passes as pair_op() allows. Throws Error(internal) if the program
/// refers to what it does not have.
std::vector<ChainOp> chain_of(const ElementwiseProgram& program, int inputs);

}  // namespace agon::cpu
