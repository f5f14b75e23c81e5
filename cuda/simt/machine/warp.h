// What an instruction sees while it runs: its step, the warp's registers, the block around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/simt/machine/machine.h"
#include "cuda/simt/program.h"

namespace agon::simt {

constexpr int warp_lanes = 32;
constexpr std::uint32_t all_lanes = ~std::uint32_t{0};

struct Step;
struct Warp;
struct Block;
struct Worker;
class BlockChecker;

// Executes a step for the lanes Warp::exec and returns the next one, or null when the running lanes stop here
// (they wait, have left, or it is another's turn).
using Handler = const Step* (*)(Warp&, const Step*);

// An instruction made ready to run: its handler, and operands as byte offsets into the warp's registers (the
// kernel's constants lie behind them). Predicates are read from `in`.
struct alignas(64) Step {
  Handler run = nullptr;
  std::uint32_t d = 0, d2 = 0, a = 0, b = 0, c = 0;
  std::int32_t immediate = 0;
  std::uint32_t tally = 0;  // of enter and guard steps and of memory accesses: where they count
  std::uint16_t guard = always_true;
  std::uint16_t flags = 0;
  const std::uint32_t* list = nullptr;  // Instruction::list, as offsets
  const Instruction* in = nullptr;
  const Step* target = nullptr;  // of a branch: the enter step of its target
};
static_assert(sizeof(Step) == 64);

// Lanes that run together; those of a warp that has not diverged are one split. A warp's splits do not run in
// lockstep: any that is ready may be next.
struct Split {
  enum class State : std::uint8_t { ready, barrier, collective };
  std::uint32_t lanes = 0;
  std::uint32_t exec = 0;    // those of them that wait
  const Step* at = nullptr;  // ready: where to go on; else: what it waits in
  std::int32_t frame = -1;   // the innermost join it runs towards
  State state = State::ready;
};

// Where the lanes that a branch parted come together again.
struct Frame {
  const Step* join = nullptr;
  std::uint32_t expected = 0, arrived = 0;
  std::int32_t parent = -1;
};

// What one cp.async instruction copies and has not yet landed.
struct AsyncCopy {
  std::uint32_t lanes = 0;  // in flight
  std::uint32_t bytes = 0;  // each lane's
  std::uint32_t pc = 0;
  std::uint32_t group[warp_lanes];  // of the lane's groups, the one it belongs to
  alignas(64) std::uint32_t shared[warp_lanes];
  alignas(64) std::uint64_t global[warp_lanes];
  alignas(64) std::uint32_t read[warp_lanes];  // bytes from global memory; the rest is zero
};

struct Warp {
  std::byte* registers = nullptr;
  std::uint32_t* predicates = nullptr;
  std::uint32_t exec = 0;    // lanes that run the present step
  std::uint32_t active = 0;  // lanes of the present split
  std::int32_t frame = -1;   // of the present split
  std::int32_t budget = 0;   // basic blocks until another's turn
  Block* block = nullptr;
  Worker* worker = nullptr;
  std::byte* local = nullptr;  // local memory, lane after lane
  std::uint32_t index = 0;     // in its block
  std::uint32_t live = 0;      // lanes that have not left
  bool queued = false;         // among those that the scheduler picks from
  std::vector<Split> splits;   // those not running now
  std::vector<Frame> frames;
  std::vector<std::int32_t> free_frames;
  std::vector<AsyncCopy> copies;             // in the order of issue
  std::uint32_t committed[warp_lanes] = {};  // groups of cp.async, by lane
};

struct Barrier {
  std::uint64_t warps = 0;     // that wait or have arrived
  std::uint32_t threads = 0;   // arrived, whole warps
  std::uint32_t expected = 0;  // threads; 0: all that have not left
  std::uint32_t votes = 0;     // of a reduction: threads whose predicate holds
  std::uint32_t voters = 0;
};

struct Block {
  Dim3 index;
  std::uint64_t linear = 0;
  std::byte* shared = nullptr;
  std::uint32_t shared_bytes = 0;
  std::uint32_t live_warps = 0;
  bool released = false;            // a barrier has let warps go on since the scheduler looked
  BlockChecker* checker = nullptr;  // null: no checks
  Barrier barriers[16];
  std::vector<Warp> warps;
};

template <class T>
inline T* lanes(Warp& w, std::uint32_t offset) {
  return reinterpret_cast<T*>(w.registers + offset);
}

// The lanes in which a predicate operand holds.
inline std::uint32_t predicate(const Warp& w, std::uint32_t operand) {
  return w.predicates[operand >> 1] ^ (0u - (operand & 1));
}
inline void set_predicate(Warp& w, std::int32_t index, std::uint32_t value) {
  w.predicates[index] = (w.predicates[index] & ~w.exec) | (value & w.exec);
}

}  // namespace agon::simt
