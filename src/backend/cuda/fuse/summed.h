#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agon/graph.h"

#include "backend/cuda/fuse/squares.h"
#include "graph/passes/uses.h"
#include "graph/placement.h"

namespace agon::device {

/// Sums over all elements that the pointwise kernel in front takes as it goes: the terms of a loss are not
/// written down. A constant factor behind the sum (a mean) is part of it.
class SummedOutputs {
 public:
  SummedOutputs() = default;
  SummedOutputs(const Graph& graph, const Uses& uses, const Placement& placement, const SquaredSums& squares);

  struct Sum {
    int value = -1;  ///< what the sum is in the graph
    double scale = 1;
  };
  /// The sum that is made instead of the pointwise result `value`; none with a negative value.
  Sum find(int value) const {
    const auto found = sums_.find(value);
    return found == sums_.end() ? Sum{} : found->second;
  }
  /// True if the node that makes `value` has nothing left to do.
  bool makes(int value) const;
  /// (node, what became of it), for explain.
  const std::vector<std::pair<int, std::string>>& notes() const { return notes_; }

 private:
  std::map<int, Sum> sums_;   ///< pointwise result -> sum
  std::vector<int> skipped_;  ///< results of nodes that vanish
  std::vector<std::pair<int, std::string>> notes_;
};

}  // namespace agon::device
