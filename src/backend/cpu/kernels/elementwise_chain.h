#pragma once
#include <vector>

#include "agon/graph.h"

#include "backend/cpu/kernels/pass_ops.h"

namespace agon::cpu {

/// One pass of a fused chain: an instruction, or a few of which each consumes the one before.
struct ChainOp {
  ElementwiseProgram::Instruction instruction;  ///< the only one, or the last
  PassOp pass = nullptr;                        ///< computes them all, unless there is only one
  std::vector<int> operands;       ///< one to four, numbered as in the program: inputs, then temporaries
  int result = 0;                  ///< the temporary it computes
  bool scales_difference = false;  ///< (a - b) * c, which an add makes a lerp
};

/// The program's instructions in as few passes as pass_ops.h allows. Throws Error(internal) if the program
/// refers to what it does not have.
std::vector<ChainOp> chain_of(const ElementwiseProgram& program, int inputs);

}  // namespace agon::cpu
