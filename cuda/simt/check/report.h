// What the checkers say: one Report per fault.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace agon::simt {

enum class FaultKind : std::uint8_t {
  out_of_bounds,    // no byte of an allocation, of the block's shared memory or of the thread's local memory
  misaligned,       // the address is no multiple of the access's width
  use_after_free,   // the allocation was there and has been freed
  unwritten_read,   // nobody has written what is read
  race_shared,      // two threads of a block, no barrier between them
  race_global,      // two threads of a launch, no barrier or fence and atomic between them
  race_operations,  // two launches or copies, no stream, event or host wait between them
  async_before_wait,  // what cp.async brings is touched before the wait for it
  divergent_barrier,  // a barrier that not all threads it counts on reach
  bad_shuffle,        // shfl, vote, match or bar.warp.sync whose mask does not fit the lanes that run it
  host_access,        // host code touched device memory
  launch_limits,      // a launch beyond the device's limits
  trap,               // trap, a failed assert
  unknown_instruction,
  hang,
  count_,
};
const char* name(FaultKind kind);

// A kernel's name as its source has it; a name that is not mangled as it is.
std::string readable_name(const std::string& mangled);

struct Report {
  FaultKind kind = FaultKind::out_of_bounds;
  std::string message;           // one line: what went wrong, with the place, the thread and the memory
  std::string kernel;            // mangled; empty for copies and host code
  std::uint32_t block[3] = {};   // blockIdx
  std::uint32_t thread[3] = {};  // threadIdx
  std::string file;              // source of the access; empty where unknown
  std::uint32_t line = 0;
  std::uint64_t address = 0;  // device address, or offset in shared or local memory
  std::string allocation;     // the allocation that the address lies in or next to; empty: none near
  std::string other_file;     // of a race: the earlier access, as far as it is known
  std::uint32_t other_line = 0;
  std::uint64_t count = 1;  // how often: faults of one kind on one source line are one report
};

// Collects the reports of one launch from several threads: one per kind and source line, that of the lowest
// block and thread, in the order of kinds and lines, so that they do not depend on the number of threads.
class ReportLog {
 public:
  explicit ReportLog(std::size_t limit = 1000) : limit_(limit) {}
  // `rank` orders reports of the same kind and line: the lowest is kept.
  void add(Report report, std::uint64_t rank);
  bool empty() const;
  std::vector<Report> take();

 private:
  struct Kept {
    Report report;
    std::uint64_t rank;
  };
  std::size_t limit_;
  mutable std::mutex mutex_;
  std::map<std::tuple<FaultKind, std::string, std::string, std::uint32_t>, Kept> reports_;
};

}  // namespace agon::simt
