#pragma once
#include <vector>

#include "agon/graph.h"

namespace agon {

/// Who reads each value: node indices in order; final values of states and outputs count as a read by
/// node_count().
class Uses {
 public:
  explicit Uses(const Graph& graph) : readers_(static_cast<size_t>(graph.value_count())) {
    const int end = static_cast<int>(graph.nodes().size());
    for (int i = 0; i < end; ++i)
      for (int id : graph.node(i).inputs) add(id, i);
    for (const auto& [state, value] : graph.assignments()) add(value, end);
    for (const auto& [name, id] : graph.outputs()) add(id, end);
  }
  const std::vector<int>& of(int id) const { return readers_[static_cast<size_t>(id)]; }
  /// The only reader of the value, or -1.
  int sole(int id) const { return of(id).size() == 1 ? of(id)[0] : -1; }

 private:
  void add(int id, int node) {
    auto& list = readers_[static_cast<size_t>(id)];
    if (list.empty() || list.back() != node) list.push_back(node);
  }
  std::vector<std::vector<int>> readers_;
};

}  // namespace agon
