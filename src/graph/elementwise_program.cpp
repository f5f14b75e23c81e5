#include "graph/elementwise_program.h"

namespace agon {

ElementwiseProgram::Instruction instruction_of(const Node& node) {
  ElementwiseProgram::Instruction instruction{node.op, {-1, -1, -1}, {}, {}};
  for (size_t i = 0; i < node.inputs.size(); ++i) instruction.operands[i] = static_cast<int>(i);
  if (const auto* f = std::get_if<Activation>(&node.attr)) instruction.activation = *f;
  if (const auto* limits = std::get_if<ClampAttr>(&node.attr)) instruction.clamp = *limits;
  return instruction;
}

ElementwiseProgram program_of(const Node& node) {
  if (const auto* program = std::get_if<ElementwiseProgram>(&node.attr)) return *program;
  return {{instruction_of(node)}, {0}};
}

std::string summary(const ElementwiseProgram& program) {
  std::string text;
  for (const auto& instruction : program.code) {
    if (!text.empty()) text += ' ';
    text += name_of(instruction.op);
  }
  return text;
}

}  // namespace agon
