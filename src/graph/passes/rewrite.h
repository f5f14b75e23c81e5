#pragma once
#include <vector>

#include "agon/graph.h"

namespace agon {

/// Copies a graph node by node into a new one, with a map from old values to new. A pass walks the old nodes
/// in order and, for each, either copy()s it or builds something else and bind()s its outputs.
class Rewriter {
 public:
  explicit Rewriter(const Graph& from) : from_(from), map_(static_cast<size_t>(from.value_count()), -1) {}

  const Graph& from() const { return from_; }
  Graph& to() { return to_; }
  bool bound(int old_id) const { return map_[static_cast<size_t>(old_id)] >= 0; }
  int at(int old_id) const;
  Value value(int old_id) { return {&to_, at(old_id)}; }
  void bind(int old_id, int new_id) { map_[static_cast<size_t>(old_id)] = new_id; }

  /// The node with its inputs mapped, not yet appended.
  Node mapped(const Node& node) const;
  /// Types of a node's outputs.
  std::vector<ValueInfo> types(const Node& node) const;
  /// Appends the node with mapped inputs and binds its outputs.
  void copy(const Node& node);
  /// Carries assignments and outputs over and hands out the new graph.
  Graph finish();

 private:
  const Graph& from_;
  Graph to_;
  std::vector<int> map_;
};

}  // namespace agon
