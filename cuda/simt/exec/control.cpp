// Branches, joins, exits, traps.
#include <atomic>
#include <bit>
#include <fmt/format.h>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/diverge.h"

namespace agon::simt {

const Step* enter_block(Warp& w, const Step* s) {
  while (w.frame >= 0 && w.frames[static_cast<std::size_t>(w.frame)].join == s)
    if (!arrive(w)) return nullptr;
  if (--w.budget < 0) {
    park(w, s, Split::State::ready);
    return nullptr;
  }
  Worker& worker = *w.worker;
  ++worker.entered[s->tally];
  worker.entered_lanes[s->tally] += static_cast<std::uint64_t>(std::popcount(w.active));
  worker.executed += worker.run.code.blocks[s->tally].count;
  return s + 1;
}

const Step* guard_next(Warp& w, const Step* s) {
  const std::uint32_t on = w.active & predicate(w, s->guard);
  w.worker->guarded_lanes[s->tally] += static_cast<std::uint64_t>(std::popcount(on));
  if (!on) return s + 2;
  w.exec = on;
  const Step* next = s[1].run(w, s + 1);
  w.exec = w.active;
  return next;
}

const Step* leave_kernel(Warp& w, const Step* s) {
  leave(w, w.exec);
  return w.active ? s + 1 : nullptr;
}

namespace {

const Step* join_of(const Warp& w, const Instruction& in) {
  const Code& code = w.worker->run.code;
  return in.reconverge < code.kernel.instructions.size() ? code.steps.data() + code.enter[in.reconverge]
                                                         : nullptr;
}

const Step* branch(Warp& w, const Step* s) {
  if (w.exec == w.active) return s->target;
  return diverge(w, w.exec, s->target, s + 1, join_of(w, *s->in));
}

// A branch by a table: one target after the other is split off.
const Step* branch_indexed(Warp& w, const Step* s) {
  const Code& code = w.worker->run.code;
  const Instruction& in = *s->in;
  const std::uint32_t* index = lanes<std::uint32_t>(w, s->a);
  std::uint32_t left = w.exec;
  const Step* join = join_of(w, in);
  // Lanes that the guard turns off fall through.
  if (left != w.active) {
    const Step* next = diverge(w, left, s, s + 1, join);
    if (next != s) {
      // The falling lanes go first; the others come back to this instruction, all of them on.
      return next;
    }
    left = w.active;
  }
  for (;;) {
    const std::uint32_t value = index[std::countr_zero(left)];
    if (value >= static_cast<std::uint32_t>(in.immediate))
      stop(w, s, FaultKind::trap, left, fmt::format("brx.idx: index {} of {} targets", value, in.immediate));
    std::uint32_t same = 0;
    for (int i = 0; i < warp_lanes; ++i)
      if (left >> i & 1 && index[i] == value) same |= 1u << i;
    const auto pc = static_cast<std::size_t>(code.kernel.operands[in.list + value]);
    const Step* target = code.steps.data() + code.enter[pc];
    if (same == w.active) return target;
    const Step* next = diverge(w, same, target, s, join);
    if (next != s) return next;
    left = w.active;
  }
}

const Step* trap(Warp& w, const Step* s) {
  stop(w, s, FaultKind::trap, w.exec, "trap");
}
// Without a debugger a breakpoint stops the kernel as a trap does.
const Step* breakpoint(Warp& w, const Step* s) {
  stop(w, s, FaultKind::trap, w.exec, "brkpt without a debugger");
}
const Step* nothing(Warp&, const Step* s) {
  return s + 1;
}

// A thread that sleeps lets others run.
const Step* sleep(Warp& w, const Step* s) {
  w.budget = 0;
  return s + 1;
}

const Step* fence(Warp& w, const Step* s) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (w.block->checker && s->in->scope != Scope::cta) w.block->checker->fence(site_of(w, s));
  return s + 1;
}

}  // namespace

Handler find_control(const Instruction& in) {
  switch (in.op) {
    case Op::Bra:
      return branch;
    case Op::BrxIdx:
      return branch_indexed;
    case Op::Exit:
      return leave_kernel;
    case Op::Trap:
      return trap;
    case Op::Brkpt:
      return breakpoint;
    case Op::Nop:
    case Op::Prefetch:
      return nothing;
    case Op::Nanosleep:
      return sleep;
    case Op::Fence:
      return fence;
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
