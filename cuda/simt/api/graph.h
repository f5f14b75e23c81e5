// Handles of graphs and their nodes.
#pragma once

#include <cuda_runtime_api.h>
#include <memory>
#include <vector>

#include "cuda/simt/device/device.h"

namespace agon::simt::api {

// The handle of a graph; the same one for the same graph.
cudaGraph_t adopt(std::shared_ptr<Graph> graph);
// Each refuses a handle that is not, or no longer, one of its kind.
std::shared_ptr<Graph> graph_of(cudaGraph_t handle);
GraphNode* node_of(cudaGraphNode_t handle);
GraphExec& exec_of(cudaGraphExec_t handle);
std::vector<GraphNode*> nodes_of(const cudaGraphNode_t* handles, std::size_t count);
inline cudaGraphNode_t handle_of(GraphNode* node) {
  return reinterpret_cast<cudaGraphNode_t>(node);
}
// Graphs stay when the device is reset, what was instantiated does not.
void forget_execs();

cudaGraphNodeType type_of(const GraphNode& node);

// The work that the parameters of a node ask for.
KernelWork kernel_work(Device& device, const cudaKernelNodeParams& params);
CopyWork copy_work(Device& device, const cudaMemcpy3DParms& params);
FillWork fill_work(Device& device, const cudaMemsetParams& params);

}  // namespace agon::simt::api
