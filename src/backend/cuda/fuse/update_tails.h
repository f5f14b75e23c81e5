#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agon/graph.h"

#include "graph/passes/uses.h"
#include "graph/placement.h"

namespace agon::device {

/// What follows an optimizer over the same buffer and is done by its launch, while the new parameters are in
/// registers: weight clipping, an exponential moving average, the copy in bf16 that the next products read.
class UpdateTails {
 public:
  UpdateTails() = default;
  UpdateTails(const Graph& graph, const Uses& uses, const Placement& placement);

  /// Values of the graph, -1 where there are none.
  struct Tail {
    int clipped = -1;  ///< the parameters clamped to [lo, hi]
    double lo = 0, hi = 0;
    int average = -1, averaged = -1;  ///< a state, and average + (parameters - average) * weight
    int weight = -1;
    int narrow = -1;  ///< the parameters as bf16
  };
  /// By the optimizer's first result.
  Tail find(int parameters) const {
    const auto found = tails_.find(parameters);
    return found == tails_.end() ? Tail{} : found->second;
  }
  /// True if the node that makes `value` has nothing left to do.
  bool makes(int value) const { return made_.contains(value); }
  /// (node, what became of it), for explain.
  const std::vector<std::pair<int, std::string>>& notes() const { return notes_; }

 private:
  void take(const Node& node, int index, std::string what);

  std::map<int, Tail> tails_;
  std::set<int> made_;  ///< first results of nodes that vanish
  std::vector<std::pair<int, std::string>> notes_;
};

}  // namespace agon::device
