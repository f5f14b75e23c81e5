#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agon/graph.h"

#include "graph/passes/uses.h"
#include "graph/placement.h"

namespace agon::device {

/// Sums that need no launch: the gradients of real and fake batches are added up by the contractions that
/// make them. The first addend is written to the sum's memory, contractions after it add to what is there.
class Accumulation {
 public:
  Accumulation() = default;
  Accumulation(const Graph& graph, const Uses& uses, const Placement& placement);

  struct Share {
    int total = -1;    ///< the sum that the value is part of, or -1
    bool add = false;  ///< add to what is there
  };
  Share find(int value) const {
    const auto found = shares_.find(value);
    return found == shares_.end() ? Share{} : found->second;
  }
  /// True if the node that makes `total` has nothing left to do.
  bool makes(int total) const { return totals_.contains(total); }
  /// (node, what became of it), for explain.
  const std::vector<std::pair<int, std::string>>& notes() const { return notes_; }

 private:
  std::map<int, Share> shares_;
  std::map<int, int> totals_;  ///< total -> number of addends
  std::vector<std::pair<int, std::string>> notes_;
};

}  // namespace agon::device
