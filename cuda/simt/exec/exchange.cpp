// Exchange between the lanes of a warp: shfl, vote, match, redux, activemask, bar.warp.sync.
#include <algorithm>
#include <bit>
#include <fmt/format.h>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/collective.h"

namespace agon::simt {

namespace {

// f(lane) for each lane that acts.
template <class F>
void each_lane(std::uint32_t lanes_on, F f) {
  for (; lanes_on; lanes_on &= lanes_on - 1) f(std::countr_zero(lanes_on));
}

// The lane that `lane` reads, and whether that lies in its segment (else it reads itself).
struct Source {
  int lane;
  bool inside;
};
Source shfl_source(ShflMode mode, int lane, std::uint32_t b, std::uint32_t c) {
  const int segment = static_cast<int>(c >> 8 & 31), clamp = static_cast<int>(c & 31),
            by = static_cast<int>(b & 31);
  const int last = (lane & segment) | (clamp & ~segment), first = lane & segment;
  int from = lane;
  bool inside = false;
  switch (mode) {
    case ShflMode::up:
      from = lane - by;
      inside = from >= last;
      break;
    case ShflMode::down:
      from = lane + by;
      inside = from <= last;
      break;
    case ShflMode::bfly:
      from = lane ^ by;
      inside = from <= last;
      break;
    case ShflMode::idx:
      from = first | (by & ~segment);
      inside = from <= last;
      break;
  }
  return {inside ? from : lane, inside};
}

void shfl(Warp& w, const Step* s, const std::uint32_t*) {
  const Instruction& in = *s->in;
  const auto mode = static_cast<ShflMode>(in.modifier);
  const std::uint32_t *a = lanes<std::uint32_t>(w, s->a), *b = lanes<std::uint32_t>(w, s->b),
                      *c = lanes<std::uint32_t>(w, s->c);
  std::uint32_t results[warp_lanes], inside = 0;
  each_lane(w.exec, [&](int lane) {
    const Source source = shfl_source(mode, lane, b[lane], c[lane]);
    if (!(w.exec >> source.lane & 1))
      stop(w, s, FaultKind::bad_shuffle, 1u << lane,
           fmt::format("lane {} reads lane {}, which does not take part", lane, source.lane));
    results[lane] = a[source.lane];
    inside |= std::uint32_t{source.inside} << lane;
  });
  if (in.d != no_operand) {
    std::uint32_t* d = lanes<std::uint32_t>(w, s->d);
    each_lane(w.exec, [&](int lane) { d[lane] = results[lane]; });
  }
  if (in.d2 != no_operand) set_predicate(w, in.d2, inside);
}

// g(group) for each group of lanes that name each other; `mask` as the lanes give it.
template <class G>
void each_group(Warp& w, const std::uint32_t* mask, G g) {
  const std::uint32_t everybody = w.exec;
  for (std::uint32_t left = everybody; left;) {
    const std::uint32_t group = mask[std::countr_zero(left)] & everybody;
    w.exec = group;
    g(group);
    left &= ~group;
  }
  w.exec = everybody;
}

void vote(Warp& w, const Step* s, const std::uint32_t* mask) {
  const Instruction& in = *s->in;
  const std::uint32_t holds = predicate(w, static_cast<std::uint32_t>(in.a));
  each_group(w, mask, [&](std::uint32_t group) {
    const std::uint32_t yes = holds & group;
    switch (static_cast<VoteMode>(in.modifier)) {
      case VoteMode::all:
        set_predicate(w, in.d, yes == group ? all_lanes : 0);
        break;
      case VoteMode::any:
        set_predicate(w, in.d, yes ? all_lanes : 0);
        break;
      case VoteMode::uni:
        set_predicate(w, in.d, yes == group || !yes ? all_lanes : 0);
        break;
      case VoteMode::ballot: {
        std::uint32_t* d = lanes<std::uint32_t>(w, s->d);
        each_lane(group, [&](int lane) { d[lane] = yes; });
      }
    }
  });
}

template <class T>
void match(Warp& w, const Step* s, const std::uint32_t* mask) {
  const Instruction& in = *s->in;
  const bool all = in.modifier == 1;
  T value[warp_lanes];
  std::copy_n(lanes<T>(w, s->a), warp_lanes, value);
  std::uint32_t* d = in.d == no_operand ? nullptr : lanes<std::uint32_t>(w, s->d);
  each_group(w, mask, [&](std::uint32_t group) {
    std::uint32_t agreeing = 0;
    each_lane(group, [&](int lane) {
      std::uint32_t same = 0;
      each_lane(group, [&](int other) { same |= std::uint32_t{value[other] == value[lane]} << other; });
      if (all && same != group) same = 0;
      agreeing |= std::uint32_t{same != 0} << lane;
      if (d) d[lane] = same;
    });
    if (in.d2 != no_operand) set_predicate(w, in.d2, agreeing);
  });
}

std::uint32_t reduce(AtomicOp op, bool is_signed, std::uint32_t a, std::uint32_t b) {
  const bool less = is_signed ? static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b) : a < b;
  switch (op) {
    case AtomicOp::add:
      return a + b;
    case AtomicOp::min:
      return less ? a : b;
    case AtomicOp::max:
      return less ? b : a;
    case AtomicOp::and_:
      return a & b;
    case AtomicOp::or_:
      return a | b;
    case AtomicOp::xor_:
      return a ^ b;
    default:
      return a;
  }
}
void redux(Warp& w, const Step* s, const std::uint32_t* mask) {
  const Instruction& in = *s->in;
  const std::uint32_t* a = lanes<std::uint32_t>(w, s->a);
  std::uint32_t* d = lanes<std::uint32_t>(w, s->d);
  each_group(w, mask, [&](std::uint32_t group) {
    std::uint32_t result = a[std::countr_zero(group)];
    each_lane(group & (group - 1), [&](int lane) {
      result = reduce(static_cast<AtomicOp>(in.modifier), in.type == Type::s32, result, a[lane]);
    });
    each_lane(group, [&](int lane) { d[lane] = result; });
  });
}

void warp_sync(Warp& w, const Step* s, const std::uint32_t* mask) {
  if (!w.block->checker) return;
  each_group(w, mask, [&](std::uint32_t) { w.block->checker->warp_sync(site_of(w, s)); });
}

const Step* activemask(Warp& w, const Step* s) {
  std::uint32_t* d = lanes<std::uint32_t>(w, s->d);
  each_lane(w.exec, [&](int lane) { d[lane] = w.exec; });
  return s + 1;
}

const Step* run_shfl(Warp& w, const Step* s) {
  return collect(w, s, s->list[0], shfl);
}
const Step* run_vote(Warp& w, const Step* s) {
  return collect(w, s, s->b, vote);
}
const Step* run_match32(Warp& w, const Step* s) {
  return collect(w, s, s->b, match<std::uint32_t>);
}
const Step* run_match64(Warp& w, const Step* s) {
  return collect(w, s, s->b, match<std::uint64_t>);
}
const Step* run_redux(Warp& w, const Step* s) {
  return collect(w, s, s->b, redux);
}
const Step* run_warp_sync(Warp& w, const Step* s) {
  return collect(w, s, s->a, warp_sync);
}

}  // namespace

Handler find_exchange(const Instruction& in) {
  switch (in.op) {
    case Op::Shfl:
      return run_shfl;
    case Op::Vote:
      return run_vote;
    case Op::Match:
      return in.flags & flag_wide ? run_match64 : run_match32;
    case Op::Redux:
      return run_redux;
    case Op::Activemask:
      return activemask;
    case Op::BarWarpSync:
      return run_warp_sync;
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
