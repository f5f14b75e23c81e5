// The shadow of global memory: per 4-byte word its state (which bytes exist, which are written), the last
// write and the last reads. Pages cost nothing until touched. Host threads that run blocks at once read and
// write it without locks: what two of them do to one whole word at the same time is itself a race of the
// kernel. Accesses to parts of a word need not be one, and take part_lock(): a cell and the serial beside it
// must be of one access.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/simt/check/history.h"

namespace agon::simt {

// Names (launch, block) in 32 bits. 0 stands for long ago.
using Serial = std::uint32_t;

class GlobalShadow {
 public:
  // `words`: size of the address range in words of 4 bytes.
  explicit GlobalShadow(std::uint64_t words);
  ~GlobalShadow();
  GlobalShadow(const GlobalShadow&) = delete;
  GlobalShadow& operator=(const GlobalShadow&) = delete;

  // By word of the range.
  std::uint8_t* state = nullptr;
  std::uint32_t* write = nullptr;  // cells
  std::uint32_t* read = nullptr;
  Serial* write_serial = nullptr;
  Serial* read_serial = nullptr;
  std::uint32_t* write_pc = nullptr;

  // An allocation comes, unwritten or (pinned memory) written, or goes. Byte offsets; `begin` a multiple
  // of 4.
  void open(std::uint64_t begin, std::uint64_t bytes, bool written);
  void close(std::uint64_t begin, std::uint64_t bytes);
  void set_written(std::uint64_t begin, std::uint64_t bytes, bool written);
  // Hands the written bits of one range on to another.
  void copy_written(std::uint64_t to, std::uint64_t from, std::uint64_t bytes);

  struct Serials {
    Serial first = 0;  // of block 0
    Serial many = 0;   // "several blocks of this launch"
    // All serials before `first` are of operations before this one, but for these: from `floor` on, so many.
    Serial floor = 0, unordered = 0;
  };
  // Serials for the blocks of the history's current operation. `label`: what a report calls it.
  Serials begin(const History& history, std::uint64_t blocks, std::string label);
  // One more serial for a block of the launch that began last, for when its clock has run out.
  Serial renew(std::uint64_t block);

  struct Owner {
    OperationId operation = 0;
    std::uint64_t block = 0;
    bool many = false;  // several blocks
  };
  Owner owner(Serial serial) const;
  // What a report calls the operation of a serial.
  std::string label(Serial serial) const;

  // For accesses to less than the whole of `word`, and for atomics.
  std::mutex& part_lock(std::uint64_t word) { return part_locks_[word % part_locks_.size()]; }

  // Reads of one word by an operation that is not ordered with that of another: rare, kept aside.
  void add_reader(std::uint64_t word, Serial serial);
  bool has_extra_readers() const { return extra_readers_count_.load(std::memory_order_relaxed) != 0; }
  std::vector<Serial> extra_readers(std::uint64_t word) const;

 private:
  struct Range {
    Serial first;
    std::uint64_t blocks;  // the serial behind the last is "many"; 0: one renewed block
    std::uint64_t block;   // of `first`
    OperationId operation;
    std::uint32_t label;
  };
  void forget_order();
  // The range that holds the serial. Threads keep the one they found last.
  Range range_of(Serial serial) const;

  std::array<std::mutex, 256> part_locks_;
  std::uint64_t words_;
  std::vector<std::pair<void*, std::size_t>> mappings_;
  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> numbering_;  // no other shadow's, and a new one whenever serials start anew
  std::vector<Range> ranges_;
  std::vector<std::string> labels_;
  std::unordered_map<std::string, std::uint32_t> label_index_;
  std::uint64_t next_ = 1;
  std::unordered_map<std::uint64_t, std::vector<Serial>> extra_readers_;
  std::atomic<std::size_t> extra_readers_count_{0};
};

}  // namespace agon::simt
