#include <map>

#include "agon/graph.h"

#include "graph/alias.h"

namespace agon {

void verify(const Graph& graph) {
  const std::vector<int> root = state_roots(graph);
  std::map<int, int> overwritten;  // root -> the output that last replaced it in place
  std::map<int, int> version;      // value -> how many updates of its root preceded it
  for (const Node& node : graph.nodes()) {
    for (int id : node.inputs) {
      const int r = root[static_cast<size_t>(id)];
      if (r < 0 || !overwritten.contains(r)) continue;
      check(version[id] == overwritten[r], ErrorKind::internal,
            "{} '{}' reads an older version of state '{}' after its in-place update", name_of(node.op),
            node.name, graph.producer(r).name);
    }
    for (const auto& [output, input] : in_place(node)) {
      const int r = root[static_cast<size_t>(node.inputs[static_cast<size_t>(input)])];
      if (r >= 0) version[node.outputs[static_cast<size_t>(output)]] = ++overwritten[r];
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const int id = node.outputs[i], r = root[static_cast<size_t>(id)];
      if (r >= 0 && !version.contains(id) && overwritten.contains(r)) version[id] = overwritten[r];
    }
  }
}

}  // namespace agon
