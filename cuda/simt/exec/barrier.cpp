// Barriers of a block: bar.sync, bar.arrive, bar.red.
#include "cuda/simt/exec/barrier.h"

#include <bit>
#include <fmt/format.h>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/diverge.h"

namespace agon::simt {

namespace {

std::uint32_t first_value(Warp& w, std::uint32_t offset, std::uint32_t mask) {
  return lanes<std::uint32_t>(w, offset)[std::countr_zero(mask)];
}

// Wakes the warps that wait at `number`, which has all its threads.
void release(Block& block, std::uint32_t number) {
  Barrier& barrier = block.barriers[number];
  const Barrier done = barrier;
  barrier = {};
  block.released = true;
  for (Warp& w : block.warps) {
    if (!(done.warps >> w.index & 1)) continue;
    for (Split& split : w.splits) {
      if (split.state != Split::State::barrier) continue;
      const Step* s = split.at;
      if (first_value(w, s->a, split.exec) != number) continue;
      const Instruction& in = *s->in;
      if (in.op == Op::BarRed) {
        w.exec = split.exec;
        const auto op = static_cast<BarRedOp>(in.modifier);
        if (op == BarRedOp::popc) {
          std::uint32_t* d = lanes<std::uint32_t>(w, s->d);
          for (int i = 0; i < warp_lanes; ++i)
            if (w.exec >> i & 1) d[i] = done.votes;
        } else {
          set_predicate(w, in.d,
                        (op == BarRedOp::or_ ? done.votes > 0 : done.votes == done.voters) ? all_lanes : 0);
        }
        w.exec = 0;
      }
      split.state = Split::State::ready;
      split.at = s + 1;
    }
  }
  if (!block.checker) return;
  std::uint64_t warps = done.warps;
  for (const Warp& w : block.warps) warps |= std::uint64_t{!w.live} << w.index;
  block.checker->barrier(warps);
}

void release_if_full(Block& block, std::uint32_t number) {
  const Barrier& barrier = block.barriers[number];
  if (!barrier.warps) return;
  const bool full = barrier.expected
                        ? barrier.threads >= barrier.expected
                        : static_cast<std::uint32_t>(std::popcount(barrier.warps)) >= block.live_warps;
  if (full) release(block, number);
}

// All lanes of the warp that are alive have come to the step `s`, with lanes `exec`.
void warp_arrives(Warp& w, const Step* s, std::uint32_t exec) {
  Block& block = *w.block;
  const Instruction& in = *s->in;
  const std::uint32_t number = first_value(w, s->a, exec);
  if (number >= 16)
    stop(w, s, FaultKind::divergent_barrier, exec,
         fmt::format("there is no barrier {}: a block has 16", number));
  const std::uint32_t expected = in.b == no_operand ? 0 : first_value(w, s->b, exec);
  if (expected % warp_lanes)
    stop(w, s, FaultKind::divergent_barrier, exec,
         fmt::format("a barrier of {} threads: the count must be whole warps", expected));
  Barrier& barrier = block.barriers[number];
  if (barrier.warps && barrier.expected != expected)
    stop(w, s, FaultKind::divergent_barrier, exec,
         fmt::format("barrier {} of {} threads: other warps wait there for {}", number, expected,
                     barrier.expected));
  if (barrier.warps >> w.index & 1)
    stop(w, s, FaultKind::divergent_barrier, exec, fmt::format("the warp comes to barrier {} twice", number));
  barrier.expected = expected;
  barrier.warps |= std::uint64_t{1} << w.index;
  barrier.threads += warp_lanes;
  if (in.op == Op::BarRed) {
    const std::uint32_t on = exec & predicate(w, static_cast<std::uint32_t>(in.c));
    barrier.votes += static_cast<std::uint32_t>(std::popcount(on));
    barrier.voters += static_cast<std::uint32_t>(std::popcount(exec));
  }
  release_if_full(block, number);
}

// Puts the lanes aside; settle() sees whether the whole warp has come.
const Step* wait(Warp& w, const Step* s) {
  park(w, s, Split::State::barrier, w.exec);
  return nullptr;
}

const Step* pass(Warp& w, const Step* s) {
  if (w.exec != w.live)
    stop(w, s, FaultKind::divergent_barrier, w.live & ~w.exec,
         fmt::format("bar.arrive in divergent code: lanes {:08x} of the warp do not run it",
                     w.live & ~w.exec));
  warp_arrives(w, s, w.exec);
  return s + 1;
}

}  // namespace

void settle(Warp& w) {
  std::uint32_t waiting = 0, present = 0;
  const Step* at = nullptr;
  for (const Split& split : w.splits) {
    if (split.state == Split::State::ready) return;
    if (split.state == Split::State::collective) {
      const std::uint32_t missing = w.live & ~split.exec;
      stop(w, split.at, FaultKind::bad_shuffle, missing,
           fmt::format("{} waits for lanes that never come: {:08x} are there, {:08x} are elsewhere",
                       op_name(split.at->in->op), split.exec, missing));
    }
    if (at && at != split.at)
      stop(w, split.at, FaultKind::divergent_barrier, split.exec,
           "lanes of one warp wait at different barriers");
    at = split.at;
    waiting |= split.exec;
    present |= split.lanes;
  }
  if (!at) return;
  if (waiting != w.live)
    stop(w, at, FaultKind::divergent_barrier, w.live & ~waiting,
         fmt::format("barrier in divergent code: lanes {:08x} of the warp do not reach it",
                     w.live & ~waiting));
  warp_arrives(w, at, waiting);
}

void warp_left(Block& block) {
  --block.live_warps;
  if (!block.live_warps) return;
  for (std::uint32_t number = 0; number < 16; ++number)
    if (!block.barriers[number].expected) release_if_full(block, number);
}

Handler find_barrier(const Instruction& in) {
  switch (in.op) {
    case Op::BarSync:
    case Op::BarRed:
      return wait;
    case Op::BarArrive:
      return pass;
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
