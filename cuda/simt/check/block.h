// The checks of one block while it runs. The executor calls a hook for each warp-wide access, before it does
// it, and for each synchronisation. One object per host thread; it is used for one block after another.
//
// A thread's accesses are ordered with another's by what the programming model promises and by nothing else:
// bar.sync orders the warps that took part, bar.warp.sync the lanes named in its mask; shfl, vote, match and
// mma order nothing. Blocks of a launch are ordered by fence and atomic: accesses before a fence, the fence,
// an atomic (or volatile, relaxed, release store) are before what follows an atomic (or volatile, acquire
// load) of the same address that comes later.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cuda/simt/check/memory.h"
#include "cuda/simt/check/report.h"

namespace agon::simt {

using LaneMask = std::uint32_t;

enum class Access : std::uint8_t {
  read,
  write,
  atomic,        // atom, red
  strong_read,   // ld.volatile, ld.relaxed, ld.acquire
  strong_write,  // st.volatile, st.relaxed, st.release
  matrix_read,   // ldmatrix: the row that a lane names goes to the whole warp
};

// Where a warp stands.
struct Site {
  std::uint32_t warp = 0;  // in the block
  std::uint32_t pc = 0;    // index of the instruction
  LaneMask lanes = 0;      // lanes that act
};

struct SourcePlace {
  std::string file;
  std::uint32_t line = 0;
};

// What the blocks of a launch share. Made for the current operation of the memory's history. Where the memory
// has no shadow it takes the executor's reports alone.
class LaunchChecker {
 public:
  struct Shape {
    std::uint32_t grid[3] = {1, 1, 1};
    std::uint32_t block[3] = {1, 1, 1};
    std::uint32_t shared_bytes = 0;  // static and dynamic
    std::uint32_t local_bytes = 0;   // a thread
  };
  LaunchChecker(Memory& memory, std::string kernel, const Shape& shape,
                std::function<SourcePlace(std::uint32_t pc)> locate);
  ~LaunchChecker();

  // A fault that the executor found. `thread`: index in the block; `address` 0: none.
  void report(FaultKind kind, std::uint64_t block, std::uint32_t thread, std::uint32_t pc,
              const std::string& what, std::uint64_t address = 0);
  ReportLog& log() { return log_; }
  struct State;

 private:
  friend class BlockChecker;
  ReportLog log_;
  std::unique_ptr<State> state_;
};

class BlockChecker {
 public:
  explicit BlockChecker(LaunchChecker& launch);
  ~BlockChecker();

  void begin_block(std::uint64_t linear_block);
  void end_block();

  // Each returns the lanes that may do the access; the others have been reported (addresses that are not
  // there), and a load gives them zero. Races and unwritten reads are reported and let through.
  // `addresses`, `offsets`: 32 of them, 64-byte aligned; what lanes that are off hold does not matter.
  // `bytes` a lane: 1, 2, 4, 8 or 16. Generic addresses are resolved by the caller.
  LaneMask global(const Site& site, Access access, const std::uint64_t* addresses, std::uint32_t bytes);
  LaneMask shared(const Site& site, Access access, const std::uint32_t* offsets, std::uint32_t bytes);
  LaneMask local(const Site& site, Access access, const std::uint32_t* offsets, std::uint32_t bytes);

  // cp.async when it is issued, and when a wait lets it land (the executor moves the data then). `sources`:
  // bytes that each lane really reads (the rest is zero-filled); null: all of `bytes`.
  LaneMask async_issue(const Site& site, const std::uint32_t* shared_offsets, const std::uint64_t* addresses,
                       std::uint32_t bytes, const std::uint32_t* sources = nullptr);
  void async_land(const Site& site, const std::uint32_t* shared_offsets, std::uint32_t bytes);

  // bar.sync (or red): all `warps` (bit i: warp i) have arrived and go on. Warps that have exited count as
  // arrived at every barrier: name them too.
  void barrier(std::uint64_t warps);
  // bar.warp.sync: the lanes of `site` have met.
  void warp_sync(const Site& site);
  // membar, fence of gpu or system scope; those of block scope are of no concern here. An atomic or store
  // with .release or .acq_rel is a fence and then that access.
  void fence(const Site& site);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace agon::simt
