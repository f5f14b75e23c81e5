// cp.async: copies from global to shared memory that land at the wait for their group, no earlier, so that a
// missing wait is not hidden.
#include <bit>
#include <cstring>

#include "cuda/simt/count/access.h"
#include "cuda/simt/exec/exec.h"

namespace agon::simt {

namespace {

const Step* issue(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  Worker& worker = *w.worker;
  AsyncCopy& copy = w.copies.emplace_back();
  copy.bytes = in.width;
  copy.pc = pc_of(worker, s);
  const bool short_address = s->flags & flag_address32;
  for (int i = 0; i < warp_lanes; ++i) {
    const std::uint64_t to = (in.a == no_operand ? 0
                              : short_address    ? lanes<std::uint32_t>(w, s->a)[i]
                                                 : lanes<std::uint64_t>(w, s->a)[i]) +
                             static_cast<std::uint64_t>(std::int64_t{in.immediate});
    copy.shared[i] = to >> 32 ? 0xfffffff0u : static_cast<std::uint32_t>(to);
    copy.global[i] = (in.b == no_operand ? 0 : lanes<std::uint64_t>(w, s->b)[i]) +
                     static_cast<std::uint64_t>(std::int64_t{in.immediate2});
    const std::uint32_t asked = in.c == no_operand ? in.width : lanes<std::uint32_t>(w, s->c)[i];
    copy.read[i] = asked < in.width ? asked : in.width;
    copy.group[i] = w.committed[i];
  }
  if (w.block->checker) {
    copy.lanes = w.block->checker->async_issue(site_of(w, s), copy.shared, copy.global, in.width, copy.read);
  } else {
    const std::uint32_t everybody = w.exec;
    copy.lanes = admit_shared(w, s, copy.shared, in.width, Access::write);
    // Lanes that read nothing may have any address.
    w.exec = 0;
    for (int i = 0; i < warp_lanes; ++i) w.exec |= std::uint32_t{copy.read[i] != 0} << i;
    w.exec &= everybody;
    if (w.exec) admit_global(w, s, copy.global, in.width, Access::read);
    w.exec = everybody;
  }
  if (worker.counting) {
    AccessPattern& written = worker.patterns[s->tally + 1];
    update_shared(written, copy.shared, w.exec, in.width);
    count_shared(worker, written);
    std::uint32_t reading = 0;
    for (int i = 0; i < warp_lanes; ++i) reading |= std::uint32_t{copy.read[i] != 0} << i;
    reading &= w.exec;
    if (reading) {
      const std::uint32_t everybody = w.exec;
      w.exec = reading;
      AccessPattern& pattern = worker.patterns[s->tally];
      update_global(pattern, copy.global, reading, in.width);
      count_global(w, copy.global, pattern, false);
      w.exec = everybody;
    }
  }
  return s + 1;
}

// The copies of the lanes w.exec whose group is not among the newest `pending` land.
void land(Warp& w, const Step* s, std::uint32_t pending, bool uncommitted_too) {
  for (AsyncCopy& copy : w.copies) {
    std::uint32_t due = 0;
    for (int i = 0; i < warp_lanes; ++i)
      due |= std::uint32_t{uncommitted_too || copy.group[i] + pending < w.committed[i]} << i;
    due &= copy.lanes & w.exec;
    if (!due) continue;
    copy.lanes &= ~due;
    if (w.block->checker) {
      Site site = site_of(w, s);
      site.lanes = due;
      site.pc = copy.pc;
      w.block->checker->async_land(site, copy.shared, copy.bytes);
    }
    for (std::uint32_t left = due; left; left &= left - 1) {
      const int i = std::countr_zero(left);
      std::byte* to = w.block->shared + copy.shared[i];
      if (copy.read[i]) std::memcpy(to, w.worker->memory.alias(copy.global[i]), copy.read[i]);
      std::memset(to + copy.read[i], 0, copy.bytes - copy.read[i]);
    }
  }
  std::erase_if(w.copies, [](const AsyncCopy& copy) { return copy.lanes == 0; });
}

const Step* commit(Warp& w, const Step* s) {
  for (int i = 0; i < warp_lanes; ++i) w.committed[i] += w.exec >> i & 1;
  return s + 1;
}
const Step* wait_group(Warp& w, const Step* s) {
  land(w, s, static_cast<std::uint32_t>(s->immediate), false);
  return s + 1;
}
const Step* wait_all(Warp& w, const Step* s) {
  land(w, s, 0, true);
  return s + 1;
}

}  // namespace

Handler find_async(const Instruction& in) {
  switch (in.op) {
    case Op::CpAsync:
      return in.width == 4 || in.width == 8 || in.width == 16 ? issue : nullptr;
    case Op::CpAsyncCommit:
      return commit;
    case Op::CpAsyncWaitGroup:
      return wait_group;
    case Op::CpAsyncWaitAll:
      return wait_all;
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
