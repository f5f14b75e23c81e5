// What happened before what. Operations (launches, copies, fills) are numbered in the order in which the
// simulator executes them; on a device two of them are ordered only by a stream, an event, a graph's edge or
// a host that waited. A chain is a line of operations that follow each other: a stream, or a path through a
// graph.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace agon::simt {

using OperationId = std::uint32_t;  // from 1; 0 stands for what was before the first operation

// Per chain, the newest operation that is known to have finished.
class Clock {
 public:
  OperationId operator[](std::size_t chain) const { return chain < newest_.size() ? newest_[chain] : 0; }
  void raise(std::size_t chain, OperationId operation) {
    if (chain >= newest_.size()) newest_.resize(chain + 1);
    newest_[chain] = std::max(newest_[chain], operation);
  }
  void join(const Clock& other) {
    for (std::size_t chain = 0; chain < other.newest_.size(); ++chain) raise(chain, other.newest_[chain]);
  }
  std::size_t chains() const { return newest_.size(); }

 private:
  std::vector<OperationId> newest_;
};

// The order of all operations so far. One operation runs at a time; while it runs, `before_current` may be
// asked from several threads.
class History {
 public:
  // Starts the next operation, on `chain`, after everything in `known`. Returns its number.
  OperationId begin(std::size_t chain, Clock known);

  // The operation that runs, or ran last.
  OperationId current() const { return static_cast<OperationId>(chain_of_.size()) - 1; }

  // The clock of what comes after the current operation: what it knew, and itself.
  const Clock& clock() const { return clock_; }

  // Whether `earlier` happened before the current operation (an operation is before itself).
  bool before_current(OperationId earlier) const {
    return earlier <= floor_ || clock_[chain_of_[earlier]] >= earlier;
  }

  // The newest operation of a chain, 0: none.
  OperationId newest(std::size_t chain) const {
    return chain < chains_.size() && !chains_[chain].empty() ? chains_[chain].back() : 0;
  }

  // All operations up to this number happened before the current one.
  OperationId floor() const { return floor_; }
  // And all behind this number; what is not known to be before the current one lies between.
  OperationId ceiling() const { return ceiling_; }

 private:
  std::vector<std::uint16_t> chain_of_ = {0};     // by operation
  std::vector<std::vector<OperationId>> chains_;  // the operations of each, rising
  Clock clock_;
  OperationId floor_ = 0, ceiling_ = 0;
};

}  // namespace agon::simt
