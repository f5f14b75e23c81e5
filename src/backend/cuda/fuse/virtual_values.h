#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agon/graph.h"

#include "graph/passes/uses.h"

namespace agon::device {

/// Values that need no memory, because every reader can compute them as it reads: a batch norm with its
/// activation (scale, shift and f of the convolution's result), the gradient through it, and the gradient
/// through an activation alone. Readers that can are contractions, and batch norm's backward for the sign of
/// its own activation.
class VirtualValues {
 public:
  VirtualValues() = default;
  VirtualValues(const Graph& graph, const Uses& uses);

  bool contains(int value) const { return values_.contains(value); }
  /// (node, what became of its result), for explain.
  const std::vector<std::pair<int, std::string>>& notes() const { return notes_; }

 private:
  /// How readers would have to compute a value.
  struct Way {
    int channels;
    bool backward;  ///< a gradient, which takes a second tensor
  };
  /// Why a reader of `value` keeps it in memory; empty if all can do without.
  std::string against(const Graph& graph, const Uses& uses, int value, Way way) const;
  std::string against_reader(const Graph& graph, const Uses& uses, const Node& reader, int value,
                             Way way) const;

  std::set<int> values_;
  std::vector<std::pair<int, std::string>> notes_;
};

/// The batch_norm_train node whose statistics `grad` (batch_norm_grad) reads, or nullptr.
const Node* norm_of(const Graph& graph, const Node& grad);
/// True if the activation whose derivative `grad` takes in is the one fused into its batch norm, so that it
/// can be had from the norm's input again.
bool recomputes_activation(const Graph& graph, const Node& grad);

}  // namespace agon::device
