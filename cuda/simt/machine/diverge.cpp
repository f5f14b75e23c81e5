#include "cuda/simt/machine/diverge.h"

namespace agon::simt {

namespace {

std::int32_t new_frame(Warp& w, const Frame& frame) {
  if (w.free_frames.empty()) {
    w.frames.push_back(frame);
    return static_cast<std::int32_t>(w.frames.size()) - 1;
  }
  const std::int32_t index = w.free_frames.back();
  w.free_frames.pop_back();
  w.frames[static_cast<std::size_t>(index)] = frame;
  return index;
}

Frame& frame_at(Warp& w, std::int32_t index) {
  return w.frames[static_cast<std::size_t>(index)];
}

void add_split(Warp& w, std::uint32_t lanes, const Step* at, std::int32_t frame) {
  Split split;
  split.lanes = lanes;
  split.at = at;
  split.frame = frame;
  w.splits.push_back(split);
}

}  // namespace

const Step* diverge(Warp& w, std::uint32_t taken, const Step* target, const Step* rest, const Step* join) {
  const std::uint32_t others = w.active & ~taken;
  if (!others) return target;
  if (!taken) return rest;
  // Lanes that leave a loop one after another wait in the same frame.
  if (join && (w.frame < 0 || frame_at(w, w.frame).join != join))
    w.frame = new_frame(w, {join, w.active, 0, w.frame});
  // A side that is at the join already waits there.
  if (join && (target == join || rest == join)) {
    const std::uint32_t waiting = target == join ? taken : others;
    frame_at(w, w.frame).arrived |= waiting;
    w.active &= ~waiting;
    w.exec = w.active;
    return target == join ? rest : target;
  }
  const bool take_first = w.worker->random() & 1;
  add_split(w, take_first ? others : taken, take_first ? rest : target, w.frame);
  w.active = w.exec = take_first ? taken : others;
  return take_first ? target : rest;
}

bool arrive(Warp& w) {
  Frame& frame = frame_at(w, w.frame);
  frame.arrived |= w.active;
  if (frame.arrived != frame.expected) return false;
  w.active = w.exec = frame.expected;
  w.free_frames.push_back(w.frame);
  w.frame = frame.parent;
  return true;
}

void leave(Warp& w, std::uint32_t lanes) {
  w.live &= ~lanes;
  w.active &= ~lanes;
  w.exec = w.active;
  for (std::int32_t index = w.frame; index >= 0;) {
    Frame& frame = frame_at(w, index);
    const std::int32_t parent = frame.parent;
    frame.expected &= ~lanes;
    if (frame.expected == frame.arrived) {
      // All that are left wait here. (With nobody left nobody refers to the frame any more.)
      if (frame.expected) add_split(w, frame.expected, frame.join, parent);
      w.free_frames.push_back(index);
    }
    index = parent;
  }
}

void park(Warp& w, const Step* at, Split::State state, std::uint32_t exec) {
  Split split;
  split.lanes = w.active;
  split.exec = exec;
  split.at = at;
  split.frame = w.frame;
  split.state = state;
  w.splits.push_back(split);
  w.active = w.exec = 0;
}

const Step* resume(Warp& w) {
  std::size_t ready = 0;
  for (const Split& split : w.splits) ready += split.state == Split::State::ready;
  if (!ready) return nullptr;
  std::size_t pick = ready == 1 ? 0 : w.worker->random() % ready;
  for (std::size_t i = 0; i < w.splits.size(); ++i) {
    if (w.splits[i].state != Split::State::ready || pick-- != 0) continue;
    const Split split = w.splits[i];
    w.splits.erase(w.splits.begin() + static_cast<std::ptrdiff_t>(i));
    w.active = w.exec = split.lanes;
    w.frame = split.frame;
    return split.at;
  }
  return nullptr;
}

}  // namespace agon::simt
