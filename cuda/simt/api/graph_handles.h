// Handles of graphs, their nodes and what is instantiated of them.
#pragma once

#include <cuda_runtime_api.h>
#include <memory>
#include <vector>

#include "cuda/simt/device/device.h"

namespace agon::simt::api {

// The handle of a graph; the same one for the same graph.
cudaGraph_t adopt(std::shared_ptr<Graph> graph);
cudaGraphExec_t adopt(std::unique_ptr<GraphExec> exec);
// Each refuses a handle that is not, or no longer, one of its kind.
std::shared_ptr<Graph> graph_of(cudaGraph_t handle);
GraphNode* node_of(cudaGraphNode_t handle);
GraphExec& exec_of(cudaGraphExec_t handle);
std::vector<GraphNode*> nodes_of(const cudaGraphNode_t* handles, std::size_t count);
inline cudaGraphNode_t handle_of(GraphNode* node) {
  return reinterpret_cast<cudaGraphNode_t>(node);
}
void drop(cudaGraph_t handle);
void drop(cudaGraphExec_t handle);
// Graphs stay when the device is reset, what was instantiated does not.
void forget_execs();

}  // namespace agon::simt::api
