#include "backend/cpu/kernels/elementwise_chain.h"

#include <algorithm>

namespace agon::cpu {
namespace {

int operand_count(Op op) {
  if (op == Op::where) return 3;
  return op == Op::activation_grad || (op >= Op::add && op <= Op::equal) ? 2 : 1;
}

/// How often each temporary is read, outputs included.
std::vector<int> count_reads(const ElementwiseProgram& program, int inputs) {
  std::vector<int> reads(program.code.size(), 0);
  for (size_t i = 0; i < program.code.size(); ++i) {
    const auto& instruction = program.code[i];
    check(is_elementwise(instruction.op), ErrorKind::internal, "elementwise: {} cannot be interpreted",
          name_of(instruction.op));
    for (int k = 0; k < operand_count(instruction.op); ++k) {
      const int operand = instruction.operands[static_cast<size_t>(k)];
      check(operand >= 0 && operand < inputs + static_cast<int>(i), ErrorKind::internal,
            "elementwise: instruction {} reads operand {}", i, operand);
      if (operand >= inputs) ++reads[static_cast<size_t>(operand - inputs)];
    }
  }
  for (int result : program.outputs) {
    check(result >= 0 && static_cast<size_t>(result) < program.code.size(), ErrorKind::internal,
          "elementwise: no temporary {}", result);
    reads[static_cast<size_t>(result)] += 2;  // never absorbed
  }
  return reads;
}

}  // namespace

std::vector<ChainOp> chain_of(const ElementwiseProgram& program, int inputs) {
  const std::vector<int> reads = count_reads(program, inputs);
  std::vector<ChainOp> ops;
  for (size_t i = 0; i < program.code.size(); ++i) {
    const auto& last = program.code[i];
    const auto begin = last.operands.begin();
    const int count = operand_count(last.op);
    ChainOp op{last, nullptr, {begin, begin + count}, static_cast<int>(i)};
    for (int k = 0; k < count && op.pass == nullptr; ++k) {
      const int temporary = op.operands[static_cast<size_t>(k)] - inputs;
      if (temporary < 0 || reads[static_cast<size_t>(temporary)] != 1) continue;
      const auto earlier = std::ranges::find(ops, temporary, &ChainOp::result);
      if (earlier == ops.end()) continue;
      if (earlier->pass == nullptr) {
        op.pass = pair_op(earlier->instruction, last, k);
        op.scales_difference = earlier->instruction.op == Op::sub && last.op == Op::mul;
      } else if (earlier->scales_difference && last.op == Op::add) {
        op.pass = lerp_op();
      }
      if (op.pass == nullptr) continue;
      const std::vector<int> others = op.operands;
      op.operands = earlier->operands;
      if (count == 2) op.operands.push_back(others[static_cast<size_t>(1 - k)]);
      ops.erase(earlier);
    }
    ops.push_back(std::move(op));
  }
  return ops;
}

}  // namespace agon::cpu
