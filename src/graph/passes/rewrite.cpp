#include "graph/passes/rewrite.h"

namespace agon {

int Rewriter::at(int old_id) const {
  const int id = map_[static_cast<size_t>(old_id)];
  check(id >= 0, ErrorKind::internal, "rewrite: value {} of '{}' was dropped but is used", old_id,
        from_.producer(old_id).name);
  return id;
}

Node Rewriter::mapped(const Node& node) const {
  Node result = node;
  for (int& id : result.inputs) id = at(id);
  return result;
}

std::vector<ValueInfo> Rewriter::types(const Node& node) const {
  std::vector<ValueInfo> result;
  for (int id : node.outputs) result.push_back(from_.value(id));
  return result;
}

void Rewriter::copy(const Node& node) {
  to_.adopt(mapped(node), types(node));
  const Node& copied = to_.nodes().back();
  for (size_t i = 0; i < node.outputs.size(); ++i) bind(node.outputs[i], copied.outputs[i]);
}

Graph Rewriter::finish() {
  for (const auto& [state, value_id] : from_.assignments()) to_.assign(value(state), value(value_id));
  for (const auto& [name, id] : from_.outputs()) to_.output(name, value(id));
  return std::move(to_);
}

}  // namespace agon
