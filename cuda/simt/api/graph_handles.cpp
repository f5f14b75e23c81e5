#include "cuda/simt/api/graph_handles.h"

#include <algorithm>
#include <unordered_map>

#include "cuda/simt/api/support.h"

namespace agon::simt::api {
namespace {

struct Handles {
  std::unordered_map<const void*, std::shared_ptr<Graph>> graphs;
  std::unordered_map<const void*, std::unique_ptr<GraphExec>> execs;
};

Handles& handles() {
  static auto* all = new Handles;
  return *all;
}

}  // namespace

cudaGraph_t adopt(std::shared_ptr<Graph> graph) {
  auto* handle = reinterpret_cast<cudaGraph_t>(graph.get());
  handles().graphs.try_emplace(handle, std::move(graph));
  return handle;
}

cudaGraphExec_t adopt(std::unique_ptr<GraphExec> exec) {
  auto* handle = reinterpret_cast<cudaGraphExec_t>(exec.get());
  handles().execs[handle] = std::move(exec);
  return handle;
}

std::shared_ptr<Graph> graph_of(cudaGraph_t handle) {
  const auto found = handles().graphs.find(handle);
  require(found != handles().graphs.end(), cudaErrorInvalidValue, "the graph was destroyed or never made");
  return found->second;
}

GraphNode* node_of(cudaGraphNode_t handle) {
  auto* node = reinterpret_cast<GraphNode*>(handle);
  const bool known = std::any_of(handles().graphs.begin(), handles().graphs.end(),
                                 [&](const auto& entry) { return entry.second->owns(node); });
  require(known, cudaErrorInvalidValue, "the node belongs to no graph");
  return node;
}

GraphExec& exec_of(cudaGraphExec_t handle) {
  const auto found = handles().execs.find(handle);
  require(found != handles().execs.end(), cudaErrorInvalidValue,
          "the executable graph was destroyed or never made");
  return *found->second;
}

std::vector<GraphNode*> nodes_of(const cudaGraphNode_t* nodes, std::size_t count) {
  std::vector<GraphNode*> found;
  for (std::size_t i = 0; i < count; ++i) found.push_back(node_of(nodes[i]));
  return found;
}

void drop(cudaGraph_t handle) {
  graph_of(handle);
  handles().graphs.erase(handle);
}

void drop(cudaGraphExec_t handle) {
  exec_of(handle);
  handles().execs.erase(handle);
}

void forget_execs() {
  handles().execs.clear();
}

}  // namespace agon::simt::api
