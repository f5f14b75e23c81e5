#pragma once
#include <map>
#include <vector>

#include "agon/graph.h"

namespace agon {

/// Where values may lie so that nothing is copied: views in their operand's memory, parts of contiguous
/// concatenations (packed gradients) in the whole's, and final values of states in the state's, if nobody
/// reads its old content any more. A lowering may follow it or not.
class Placement {
 public:
  explicit Placement(const Graph& graph);

  /// A place within another value.
  struct Part {
    int value = -1;      ///< none if negative
    int64_t offset = 0;  ///< elements
  };
  /// The operand that `value` is a view of.
  Part view_of(int value) const { return views_[static_cast<size_t>(value)]; }
  /// The concatenation's result that `value` can be written into.
  Part home(int value) const {
    const auto found = homes_.find(value);
    return found == homes_.end() ? Part{} : found->second;
  }
  /// The `state` value whose memory `value` may be written to, or -1.
  int state_home(int value) const {
    const auto found = state_homes_.find(value);
    return found == state_homes_.end() ? -1 : found->second;
  }
  /// True if `value` has a home or a state's home.
  bool is_placed(int value) const { return homes_.contains(value) || state_homes_.contains(value); }

 private:
  bool movable(const Graph& graph, int value) const;
  int source_of(const Graph& graph, int value) const;
  void find_parts(const Graph& graph);
  void find_states(const Graph& graph);

  std::vector<Part> views_;
  std::map<int, Part> homes_;
  std::map<int, int> state_homes_;
};

}  // namespace agon
