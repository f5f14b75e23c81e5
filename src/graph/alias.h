#pragma once
#include <utility>
#include <vector>

#include "agon/graph.h"

namespace agon {

/// The (output, input) pairs of a node that share memory by definition: optimizers update parameters and
/// slots, batch norm its running statistics, in place.
std::vector<std::pair<int, int>> in_place(const Node& node);

/// True if the node's output 0 is its input 0 in other words: reshape, stop_gradient, and slices along the
/// outermost axis that is not 1 (contiguous in memory).
bool is_view(const Graph& graph, const Node& node);
/// Elements between the start of a view's operand and the view.
int64_t view_offset(const Graph& graph, const Node& node);

/// Per value: the `state` value whose memory it lives in (directly, as a view or as an in-place update), or
/// -1.
std::vector<int> state_roots(const Graph& graph);

}  // namespace agon
