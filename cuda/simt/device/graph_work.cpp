#include "cuda/simt/device/graph_work.h"

#include <algorithm>
#include <unordered_map>

#include "agon/error.h"

namespace agon::simt {

GraphNode* Graph::add(Work work, const std::vector<GraphNode*>& before) {
  auto node = std::make_unique<GraphNode>();
  node->graph = this;
  node->work = std::move(work);
  for (GraphNode* b : before) {
    if (std::find(node->before.begin(), node->before.end(), b) == node->before.end())
      node->before.push_back(b);
  }
  nodes_.push_back(std::move(node));
  return nodes_.back().get();
}

GraphNode* Graph::add_child(const Graph& child, const std::vector<GraphNode*>& before) {
  GraphNode* node = add(EmptyWork{}, before);
  node->child = std::make_shared<Graph>(child);
  return node;
}

void Graph::remove(GraphNode* node) {
  for (auto& other : nodes_) std::erase(other->before, node);
  std::erase_if(nodes_, [&](const auto& n) { return n.get() == node; });
}

bool Graph::owns(const GraphNode* node) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& n) { return n.get() == node; });
}

std::vector<GraphNode*> Graph::leaves() const {
  std::unordered_map<const GraphNode*, bool> waited_for;
  for (const auto& node : nodes_) {
    for (const GraphNode* b : node->before) waited_for[b] = true;
  }
  std::vector<GraphNode*> leaves;
  for (const auto& node : nodes_) {
    if (!waited_for.count(node.get())) leaves.push_back(node.get());
  }
  return leaves;
}

void Graph::append(const Graph& other) {
  std::unordered_map<const GraphNode*, GraphNode*> copies;
  for (const auto& node : other.nodes_) {
    GraphNode* copy = node->child ? add_child(*node->child, {}) : add(node->work, {});
    copies[node.get()] = copy;
  }
  for (const auto& node : other.nodes_) {
    for (const GraphNode* b : node->before) copies[node.get()]->before.push_back(copies.at(b));
  }
}

GraphPlan::GraphPlan(const Graph& graph) {
  std::vector<std::uint32_t> exits;
  lay_open(graph, {}, true, exits);
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    for (const std::uint32_t b : nodes[i].before) nodes[b].after.push_back(i);
  }
  find_paths();
}

void GraphPlan::lay_open(const Graph& graph, const std::vector<std::uint32_t>& entry, bool top,
                         std::vector<std::uint32_t>& exits) {
  std::unordered_map<const GraphNode*, std::vector<std::uint32_t>> ends;  // of what is planned already
  std::vector<const GraphNode*> left;
  for (const auto& node : graph.nodes()) left.push_back(node.get());
  while (!left.empty()) {
    const std::size_t count = left.size();
    std::vector<const GraphNode*> later;
    for (const GraphNode* node : left) {
      const bool ready = std::all_of(node->before.begin(), node->before.end(),
                                     [&](const GraphNode* b) { return ends.count(b) != 0; });
      if (!ready) {
        later.push_back(node);
        continue;
      }
      std::vector<std::uint32_t> before;
      if (node->before.empty()) before = entry;
      for (const GraphNode* b : node->before) before.insert(before.end(), ends[b].begin(), ends[b].end());
      std::sort(before.begin(), before.end());
      before.erase(std::unique(before.begin(), before.end()), before.end());
      if (node->child && !node->child->nodes().empty()) {
        lay_open(*node->child, before, false, ends[node]);
      } else {
        ends[node] = {static_cast<std::uint32_t>(nodes.size())};
        nodes.push_back({node->work, top ? node : nullptr, std::move(before), {}, 0});
      }
    }
    check(later.size() < count, ErrorKind::usage, "the edges of a graph form a circle of {} nodes", count);
    left = std::move(later);
  }
  for (const GraphNode* leaf : graph.leaves())
    exits.insert(exits.end(), ends[leaf].begin(), ends[leaf].end());
}

void GraphPlan::find_paths() {
  std::vector<bool> continued(nodes.size(), false);
  for (Node& node : nodes) {
    const auto end =
        std::find_if(node.before.begin(), node.before.end(), [&](std::uint32_t b) { return !continued[b]; });
    if (end == node.before.end()) {
      node.path = paths++;
    } else {
      node.path = nodes[*end].path;
      continued[*end] = true;
    }
  }
}

bool GraphPlan::same_shape(const GraphPlan& other) const {
  return std::equal(
      nodes.begin(), nodes.end(), other.nodes.begin(), other.nodes.end(),
      [](const Node& a, const Node& b) { return a.work.index() == b.work.index() && a.before == b.before; });
}

}  // namespace agon::simt
