#include "cuda/simt/check/words.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <utility>

namespace agon::simt {

using namespace cells;

namespace {

struct Word {
  const Actor& actor;
  const fast::View& view;
  WordSpace space;
  Deed deed;
  std::uint64_t index;
  std::uint32_t bytes;  // bits of the bytes touched

  bool global() const { return space == WordSpace::global; }
  bool reads() const {
    return deed == Deed::read || deed == Deed::matrix_read || deed == Deed::strong_read ||
           deed == Deed::atomic;
  }
  bool writes() const {
    return deed == Deed::write || deed == Deed::strong_write || deed == Deed::atomic ||
           deed == Deed::async_issue;
  }
  bool exempt() const {
    return global() ? deed == Deed::strong_read || deed == Deed::strong_write || deed == Deed::atomic
                    : deed == Deed::atomic;
  }

  void report(FaultKind kind, std::string what, std::uint32_t other_pc = Fault::no_pc) const {
    Fault fault;
    fault.kind = kind;
    fault.block = actor.block;
    fault.thread = actor.thread;
    fault.pc = actor.pc;
    fault.what = std::move(what);
    fault.address =
        (global() ? view.base : 0) + index * 4 + static_cast<std::uint32_t>(__builtin_ctz(bytes ? bytes : 1));
    fault.global = global();
    fault.other_pc = other_pc;
    add_report(actor.launch, actor.state, std::move(fault));
  }

  std::string place() const {
    return global() ? std::string("global memory")
                    : fmt::format("shared memory at offset {}",
                                  index * 4 + static_cast<std::uint32_t>(__builtin_ctz(bytes)));
  }
  const char* verb() const { return deed == Deed::atomic ? "updates" : writes() ? "writes" : "reads"; }

  // A cell's access, of the block or launch that `serial` names, is before what the actor does. If not,
  // `who` says whose it was.
  bool before(std::uint32_t serial, Cell cell, bool is_read, std::string& who, FaultKind& kind) const {
    if (!global() || serial == view.serial) {
      if (actor.order.before(cell, is_read, actor.thread)) return true;
      kind = global() ? FaultKind::race_global : FaultKind::race_shared;
      who = is_read && cell & (many_lanes | many_warps)
                ? std::string("several threads of the block")
                : fmt::format("thread {}", place_in(thread(cell), actor.state.shape.block));
      return false;
    }
    if (view.long_ago(serial)) return true;
    const GlobalShadow::Owner owner = actor.state.shadow->owner(serial);
    const History& history = actor.state.memory.history();
    if (owner.operation != history.current()) {
      if (history.before_current(owner.operation)) return true;
      kind = FaultKind::race_operations;
      who =
          fmt::format("{} (operation {})", readable_name(actor.state.shadow->label(serial)), owner.operation);
      return false;
    }
    kind = FaultKind::race_global;
    if (owner.many) {
      if (actor.order.follows_all(actor.state.blocks, actor.thread)) return true;
      who = "several blocks";
      return false;
    }
    // An older serial of this block: its clock was started anew since.
    if (owner.block == actor.block) return true;
    if (actor.order.before(owner.block, serial, cell, actor.thread)) return true;
    if (!is_read && cells::kind(cell) == atomic &&
        actor.order.saw_atomic_of(owner.block, view.base + index * 4, actor.thread))
      return true;
    who = fmt::format("block {} thread {}", place_in(owner.block, actor.state.shape.grid),
                      place_in(thread(cell), actor.state.shape.block));
    return false;
  }

  static std::string cure(FaultKind kind) {
    switch (kind) {
      case FaultKind::race_operations:
        return "with no stream order, event or wait between";
      case FaultKind::race_global:
        return "with no barrier, or fence and atomic, between";
      default:
        return "with no barrier between";
    }
  }

  bool exists() const {
    const std::uint32_t there = view.state[index] >> 4;
    return (there & bytes) == bytes;
  }

  // After matrix_read's row has gone to every lane, each must follow the writer.
  bool whole_warp_follows(Cell cell) const {
    return tick(cell) < actor.order.barrier_tick() ||
           (warp(cell) == actor.thread / 32 && tick(cell) < actor.order.warp_tick(actor.thread / 32));
  }

  void check_writer() const {
    const Cell cell = view.write[index];
    const std::uint32_t serial = global() ? view.write_serial[index] : view.serial;
    if (cell == 0 || (global() && serial == 0)) return;
    if (!global() && kind(cell) == pending) {
      report(FaultKind::async_before_wait,
             fmt::format("{} {} that a cp.async of thread {} fills, before its wait", verb(), place(),
                         place_in(thread(cell), actor.state.shape.block)),
             view.write_pc[index]);
      return;
    }
    if ((cells::bytes(cell) & bytes) == 0) return;
    if (exempt() && kind(cell) != plain) return;
    std::string who;
    FaultKind fault = FaultKind::race_shared;
    bool ordered = before(serial, cell, false, who, fault);
    if (ordered && deed == Deed::matrix_read && !whole_warp_follows(cell)) {
      ordered = false;
      who = fmt::format("thread {}", place_in(thread(cell), actor.state.shape.block));
    }
    if (ordered) return;
    // The line of another operation's access is not known here: its kernel may be another one.
    const std::uint32_t other = fault == FaultKind::race_operations ? Fault::no_pc : view.write_pc[index];
    report(fault, fmt::format("{} {} that {} wrote, {}, its write is", verb(), place(), who, cure(fault)),
           other);
  }

  void check_readers() const {
    const Cell cell = view.read[index];
    const std::uint32_t serial = global() ? view.read_serial[index] : view.serial;
    const auto judge = [&](std::uint32_t of, Cell read) {
      std::string who;
      FaultKind fault = FaultKind::race_shared;
      if (before(of, read, true, who, fault)) return;
      report(fault, fmt::format("{} {} that {} read, {}", verb(), place(), who, cure(fault)));
    };
    if (cell != 0 && !(global() && serial == 0) && (cells::bytes(cell) & bytes) != 0) judge(serial, cell);
    if (!global() || !actor.state.shadow->has_extra_readers()) return;
    for (const Serial of : actor.state.shadow->extra_readers(index)) {
      if (of != view.serial && !view.long_ago(of)) judge(of, pack(0, 15, 0, 0));
    }
  }

  void note_write() const {
    const std::uint32_t how = deed == Deed::atomic                     ? atomic
                              : deed == Deed::strong_write && global() ? strong
                              : deed == Deed::async_issue              ? pending
                                                                       : plain;
    const std::uint32_t at = deed == Deed::async_issue ? pending_tick : actor.order.tick();
    view.write[index] = pack(at, bytes, how, actor.thread);
    view.write_pc[index] = actor.pc;
    if (global()) view.write_serial[index] = view.serial;
    if (bytes == 15)
      view.state[index] = state_written;
    else if ((view.state[index] & bytes) != bytes)
      __atomic_fetch_or(&view.state[index], static_cast<std::uint8_t>(bytes), __ATOMIC_RELAXED);
  }

  void note_read() const {
    Cell cell = pack(actor.order.tick(), bytes, 0, actor.thread);
    if (deed == Deed::matrix_read) cell |= many_lanes;
    const Cell old = view.read[index];
    std::uint32_t serial = view.serial;
    const std::uint32_t of = global() ? view.read_serial[index] : view.serial;
    if (of == view.serial) {
      if (old != 0 && !actor.order.before(old, true, actor.thread)) cell = join_reads(old, cell);
    } else if (!view.long_ago(of)) {
      const GlobalShadow::Owner owner = actor.state.shadow->owner(of);
      const History& history = actor.state.memory.history();
      if (owner.operation == history.current()) {
        if ((owner.block != actor.block || owner.many) && (cells::bytes(old) & bytes) != 0)
          serial = view.many;
      } else if (!history.before_current(owner.operation)) {
        actor.state.shadow->add_reader(index, of);
      }
    }
    view.read[index] = cell;
    if (global()) view.read_serial[index] = serial;
  }

  void run() const {
    std::unique_lock<std::mutex> lock;
    if (global() && (bytes != 15 || exempt())) lock = std::unique_lock(actor.state.shadow->part_lock(index));
    if (reads() && (view.state[index] & bytes) != bytes)
      report(FaultKind::unwritten_read, fmt::format("{} {} that nobody has written", verb(), place()));
    check_writer();
    if (writes()) {
      check_readers();
      note_write();
    } else if (deed != Deed::strong_read || !global()) {
      note_read();
    }
  }
};

}  // namespace

bool check_words(const Actor& actor, const fast::View& view, WordSpace space, Deed deed,
                 std::uint64_t address, std::uint32_t count) {
  const std::uint64_t begin = address - view.base, end = begin + count;
  const auto over = [&](auto&& act) {
    for (std::uint64_t word = begin / 4; word * 4 < end; ++word) {
      const std::uint64_t from = std::max(begin, word * 4) - word * 4,
                          to = std::min(end, word * 4 + 4) - word * 4;
      const auto bits = static_cast<std::uint32_t>((1u << to) - (1u << from));
      if (!act(Word{actor, view, space, deed, word, bits})) return false;
    }
    return true;
  };
  const bool inside = begin < view.bytes && end <= view.bytes && end >= begin;
  if (!inside || !over([](const Word& word) { return word.exists(); })) {
    Word word{actor, view, space, deed, begin / 4, 1u << begin % 4};
    if (space == WordSpace::shared) {
      word.report(FaultKind::out_of_bounds,
                  fmt::format("{} {} bytes at offset {} of {} bytes of shared memory", word.verb(), count,
                              begin, view.bytes));
      return false;
    }
    // Registered host memory has no shadow.
    if (!inside && actor.state.memory.valid(address, count)) return true;
    const bool freed = actor.state.memory.freed(address);
    word.report(freed ? FaultKind::use_after_free : FaultKind::out_of_bounds,
                fmt::format("{} {} bytes of global memory that {}", word.verb(), count,
                            freed ? "has been freed" : "no allocation holds"));
    return false;
  }
  over([](const Word& word) {
    word.run();
    return true;
  });
  return true;
}

}  // namespace agon::simt
