#include "cuda/simt/machine/code.h"

#include <algorithm>
#include <bit>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/cost.h"

namespace agon::simt {

namespace {

constexpr std::uint32_t line_bytes = 128;

Handler find_handler(const Instruction& in) {
  for (const auto find :
       {find_memory, find_float, find_integer, find_bits, find_compare, find_convert, find_half, find_special,
        find_atomic, find_async, find_mma, find_exchange, find_control, find_barrier, find_system})
    if (const Handler handler = find(in)) return handler;
  return nullptr;
}

bool predicate_destination(Op op) {
  switch (op) {
    case Op::SetpS16:
    case Op::SetpU16:
    case Op::SetpS32:
    case Op::SetpU32:
    case Op::SetpS64:
    case Op::SetpU64:
    case Op::SetpF32:
    case Op::SetpF64:
    case Op::SetpHalf:
    case Op::TestpF32:
    case Op::TestpF64:
    case Op::AndPred:
    case Op::OrPred:
    case Op::XorPred:
    case Op::NotPred:
    case Op::MovPred:
    case Op::Isspacep:
      return true;
    default:
      return false;
  }
}

bool ends_block(Op op) {
  return op == Op::Bra || op == Op::BrxIdx || op == Op::Exit;
}

class Translation {
 public:
  Translation(const Kernel& kernel, Code& code) : kernel_(kernel), code_(code) {}

  void run() {
    code_.constants_at = kernel_.slots * line_bytes;
    code_.register_bytes =
        code_.constants_at + static_cast<std::uint32_t>(kernel_.constants.size()) * line_bytes;
    find_leaders();
    for (const std::int32_t operand : kernel_.operands) code_.lists.push_back(offset(operand));
    for (std::uint32_t pc = 0; pc < kernel_.instructions.size(); ++pc) translate(pc);
    finish();
  }

 private:
  std::uint32_t offset(std::int32_t slot) const {
    if (slot == no_operand) return 0;
    if (slot >= 0) return static_cast<std::uint32_t>(slot) * line_bytes;
    return code_.constants_at + static_cast<std::uint32_t>(~slot) * line_bytes;
  }

  void find_leaders() {
    const std::size_t count = kernel_.instructions.size();
    leader_.assign(count + 1, false);
    leader_[0] = true;
    for (const std::uint32_t leader : kernel_.leaders) leader_[leader] = true;
    for (std::size_t pc = 0; pc < count; ++pc) {
      const Instruction& in = kernel_.instructions[pc];
      if (!ends_block(in.op)) continue;
      leader_[pc + 1] = true;
      if (in.op == Op::Bra) leader_[in.target] = true;
      if (in.op == Op::BrxIdx)
        for (std::int32_t i = 0; i < in.immediate; ++i)
          leader_[static_cast<std::size_t>(kernel_.operands[in.list + static_cast<std::uint32_t>(i)])] = true;
      if (in.op != Op::Exit) leader_[in.reconverge] = true;
    }
    enter_.assign(count + 1, 0);
  }

  void translate(std::uint32_t pc) {
    const Instruction& in = kernel_.instructions[pc];
    if (leader_[pc]) {
      enter_[pc] = static_cast<std::uint32_t>(code_.steps.size());
      Step enter;
      enter.run = enter_block;
      enter.in = &in;
      enter.tally = static_cast<std::uint32_t>(code_.blocks.size());
      code_.steps.push_back(enter);
      code_.blocks.emplace_back();
    }
    const Cost cost = cost_of(in);
    count(in, cost);
    if (in.guard != always_true) {
      Step guard;
      guard.run = guard_next;
      guard.guard = in.guard;
      guard.in = &in;
      guard.tally = static_cast<std::uint32_t>(code_.guards.size());
      code_.steps.push_back(guard);
      code_.guards.push_back(cost);
    }
    Step step;
    step.run = find_handler(in);
    step.in = &in;
    step.guard = in.guard;
    step.flags = in.flags;
    step.immediate = in.immediate;
    if (!predicate_destination(in.op)) step.d = offset(in.d);
    step.d2 = offset(in.d2);
    step.a = offset(in.a);
    step.b = offset(in.b);
    step.c = offset(in.c);
    step.tally = code_.accesses;
    // cp.async has an access of either memory.
    if (accesses_memory(in.op)) code_.accesses += in.op == Op::CpAsync ? 2 : 1;
    if (!step.run) {
      if (code_.unknown.empty()) code_.unknown_pc = pc;
      code_.unknown.push_back(std::string(op_name(in.op)) + " at " + describe_line(kernel_, in.line));
    }
    code_.steps.push_back(step);
  }

  void count(const Instruction& in, const Cost& cost) {
    BasicBlock& block = code_.blocks.back();
    const InstructionKind kind = kind_of(in);
    if (kind != InstructionKind::count_) ++block.instructions[static_cast<std::size_t>(kind)];
    ++block.count;
    block.cost.mac_tensor += cost.mac_tensor;
    block.cost.barriers += cost.barriers;
    block.cost.slots += cost.slots;
    if (in.guard != always_true) return;
    ++block.unguarded;
    block.cost.fma_fp32 += cost.fma_fp32;
    block.cost.flops_fp32 += cost.flops_fp32;
    block.cost.fma_fp64 += cost.fma_fp64;
    block.cost.fma_half += cost.fma_half;
  }

  // Behind the last instruction lanes leave; pointers are set once the vectors stand still.
  void finish() {
    Step enter;
    enter.run = enter_block;
    enter.tally = static_cast<std::uint32_t>(code_.blocks.size());
    code_.blocks.emplace_back();
    enter_[kernel_.instructions.size()] = static_cast<std::uint32_t>(code_.steps.size());
    code_.steps.push_back(enter);
    Step leave;
    leave.run = leave_kernel;
    code_.steps.push_back(leave);
    for (Step& step : code_.steps) {
      if (!step.in) {
        step.in = &kernel_.instructions.back();
        continue;
      }
      step.list = code_.lists.data() + step.in->list;
      if (step.run != enter_block && (step.in->op == Op::Bra))
        step.target = code_.steps.data() + enter_[step.in->target];
    }
    code_.enter = std::move(enter_);
  }

  const Kernel& kernel_;
  Code& code_;
  std::vector<bool> leader_;
  std::vector<std::uint32_t> enter_;  // by instruction: its basic block's enter step
};

}  // namespace

Code::Code(const Kernel& k) : kernel(k) {
  Translation(k, *this).run();
}

std::shared_ptr<const Code> code_of(const Kernel& kernel) {
  std::shared_ptr<const void> made = std::atomic_load(&kernel.code);
  if (!made) {
    made = std::make_shared<const Code>(kernel);
    std::atomic_store(&kernel.code, made);
  }
  return std::static_pointer_cast<const Code>(made);
}

}  // namespace agon::simt
