#pragma once
#include <string>

#include "agon/graph.h"

namespace agon {

/// A single elementwise op as an instruction on its node's inputs, in order.
ElementwiseProgram::Instruction instruction_of(const Node& node);

/// The program of an `elementwise` node, or of a single elementwise op.
ElementwiseProgram program_of(const Node& node);

/// Its ops in order: "mul add activation".
std::string summary(const ElementwiseProgram& program);

}  // namespace agon
