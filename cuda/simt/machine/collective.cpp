#include "cuda/simt/machine/collective.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

#include "cuda/simt/machine/diverge.h"

namespace agon::simt {

namespace {

// Lanes of the running split that the guard has turned off cannot come any more.
void check_guarded(Warp& w, const Step* s, std::uint32_t missing) {
  const std::uint32_t passing = missing & w.active & ~w.exec;
  if (passing)
    stop(w, s, FaultKind::bad_shuffle, passing,
         fmt::format("the mask of {} names lanes {:08x}, which pass it by", op_name(s->in->op), passing));
}

// Lanes meet at one instruction; bar.warp.sync also meets others of its kind.
bool meets(const Split& split, const Step* s) {
  if (split.state != Split::State::collective) return false;
  return split.at == s || (split.at->in->op == Op::BarWarpSync && s->in->op == Op::BarWarpSync);
}

// All lanes that wait here, with the running ones.
std::uint32_t gathered(const Warp& w, const Step* s) {
  std::uint32_t there = w.exec;
  for (const Split& split : w.splits)
    if (meets(split, s)) there |= split.exec;
  return there;
}

// Acts for everybody who is there and lets those go on who waited.
const Step* act_together(Warp& w, const Step* s, std::uint32_t there, Together act,
                         const std::uint32_t* mask) {
  const std::uint32_t own = w.exec;
  w.exec = there;
  act(w, s, mask);
  w.exec = own;
  if (there != own)
    for (Split& split : w.splits)
      if (meets(split, s)) {
        split.state = Split::State::ready;
        ++split.at;
      }
  return s + 1;
}

}  // namespace

const Step* collect(Warp& w, const Step* s, std::uint32_t mask_at, Together act) {
  const std::uint32_t there = gathered(w, s);
  std::uint32_t mask[warp_lanes];
  std::copy_n(lanes<std::uint32_t>(w, mask_at), warp_lanes, mask);
  if (there != w.exec)
    for (const Split& split : w.splits)
      if (meets(split, s) && split.at != s)
        for (int i = 0; i < warp_lanes; ++i)
          if (split.exec >> i & 1) mask[i] = lanes<std::uint32_t>(w, split.at->a)[i];
  std::uint32_t missing = 0;
  for (std::uint32_t left = there; left; left &= left - 1) {
    const int lane = std::countr_zero(left);
    if (!(mask[lane] >> lane & 1))
      stop(w, s, FaultKind::bad_shuffle, 1u << lane,
           fmt::format("lane {} runs {} with mask {:08x}, which does not name it", lane, op_name(s->in->op),
                       mask[lane]));
    missing |= mask[lane];
  }
  missing &= w.live & ~there;
  if (missing) {
    check_guarded(w, s, missing);
    park(w, s, Split::State::collective, w.exec);
    return nullptr;
  }
  // Lanes of one group must agree on who is in it.
  for (std::uint32_t left = there; left; left &= left - 1) {
    const int lane = std::countr_zero(left);
    const int first = std::countr_zero(mask[lane] & there);
    if (mask[lane] != mask[first])
      stop(w, s, FaultKind::bad_shuffle, 1u << lane,
           fmt::format("lanes {} and {} run {} with different masks, {:08x} and {:08x}", first, lane,
                       op_name(s->in->op), mask[first], mask[lane]));
  }
  return act_together(w, s, there, act, mask);
}

const Step* collect_warp(Warp& w, const Step* s, Together act) {
  if (w.exec == all_lanes) {
    act(w, s, nullptr);
    return s + 1;
  }
  const std::uint32_t there = gathered(w, s), missing = ~there;
  if (missing & ~w.live)
    stop(w, s, FaultKind::bad_shuffle, w.exec,
         fmt::format("{} needs a whole warp, lanes {:08x} are not there", op_name(s->in->op),
                     missing & ~w.live));
  if (missing) {
    check_guarded(w, s, missing);
    park(w, s, Split::State::collective, w.exec);
    return nullptr;
  }
  return act_together(w, s, there, act, nullptr);
}

}  // namespace agon::simt
