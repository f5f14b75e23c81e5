#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agon/graph.h"

#include "graph/passes/uses.h"

namespace agon::device {

/// Squares that only a sum reads: the sum takes them as it goes, and they are never stored.
class SquaredSums {
 public:
  SquaredSums() = default;
  SquaredSums(const Graph& graph, const Uses& uses);

  /// The value whose square `value` is, if it needs no memory; or -1.
  int root_of(int value) const {
    const auto found = roots_.find(value);
    return found == roots_.end() ? -1 : found->second;
  }
  /// (node, what became of it), for explain.
  const std::vector<std::pair<int, std::string>>& notes() const { return notes_; }

 private:
  std::map<int, int> roots_;  ///< square -> what is squared
  std::vector<std::pair<int, std::string>> notes_;
};

}  // namespace agon::device
