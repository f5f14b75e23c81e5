#include "cuda/simt/api/graph.h"

#include <algorithm>

#include "cuda/simt/api/capture.h"
#include "cuda/simt/api/graph_handles.h"
#include "cuda/simt/api/launch.h"
#include "cuda/simt/api/support.h"

namespace agon::simt::api {

cudaGraphNodeType type_of(const GraphNode& node) {
  if (node.child) return cudaGraphNodeTypeGraph;
  if (std::holds_alternative<KernelWork>(node.work)) return cudaGraphNodeTypeKernel;
  if (std::holds_alternative<CopyWork>(node.work)) return cudaGraphNodeTypeMemcpy;
  if (std::holds_alternative<FillWork>(node.work)) return cudaGraphNodeTypeMemset;
  if (std::holds_alternative<HostWork>(node.work)) return cudaGraphNodeTypeHost;
  return cudaGraphNodeTypeEmpty;
}

namespace {

// The list idiom of the API: without an array the count alone; with one as many as fit.
void hand_out(const std::vector<GraphNode*>& nodes, cudaGraphNode_t* out, std::size_t* count) {
  if (out) {
    for (std::size_t i = 0; i < *count; ++i) out[i] = i < nodes.size() ? handle_of(nodes[i]) : nullptr;
    *count = std::min(*count, nodes.size());
  } else {
    *count = nodes.size();
  }
}

std::vector<GraphNode*> all_nodes(const Graph& graph) {
  std::vector<GraphNode*> nodes;
  for (const auto& node : graph.nodes()) nodes.push_back(node.get());
  return nodes;
}

std::vector<GraphNode*> after(GraphNode* node) {
  std::vector<GraphNode*> nodes = all_nodes(*node->graph);
  std::erase_if(nodes, [&](const GraphNode* n) {
    return std::find(n->before.begin(), n->before.end(), node) == n->before.end();
  });
  return nodes;
}

}  // namespace
}  // namespace agon::simt::api

using namespace agon::simt;
using namespace agon::simt::api;

AGON_API cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned flags) {
  return enter(__func__, [&](Device&) {
    require(flags == 0, cudaErrorInvalidValue, "unknown flags {:#x}", flags);
    *graph = adopt(std::make_shared<Graph>());
  });
}

AGON_API cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return enter(__func__, [&](Device&) { drop(graph); });
}

AGON_API cudaError_t cudaGraphClone(cudaGraph_t* copy, cudaGraph_t graph) {
  return enter(__func__, [&](Device&) { *copy = adopt(std::make_shared<Graph>(*graph_of(graph))); });
}

AGON_API cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return enter(__func__, [&](Device&) { hand_out(all_nodes(*graph_of(graph)), nodes, count); });
}

AGON_API cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return enter(__func__, [&](Device&) {
    std::vector<GraphNode*> roots = all_nodes(*graph_of(graph));
    std::erase_if(roots, [](const GraphNode* node) { return !node->before.empty(); });
    hand_out(roots, nodes, count);
  });
}

AGON_API cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to,
                                       cudaGraphEdgeData* data, size_t* count) {
  return enter(__func__, [&](Device&) {
    std::size_t edges = 0;
    for (GraphNode* node : all_nodes(*graph_of(graph))) {
      for (GraphNode* b : node->before) {
        if (from && to && edges < *count) {
          from[edges] = handle_of(b);
          to[edges] = handle_of(node);
          if (data) data[edges] = {};
        }
        ++edges;
      }
    }
    *count = from && to ? std::min(*count, edges) : edges;
  });
}

AGON_API cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t* nodes,
                                                  cudaGraphEdgeData* data, size_t* count) {
  return enter(__func__, [&](Device&) {
    require(data == nullptr, cudaErrorNotSupported, "edges with data are not simulated");
    hand_out(node_of(node)->before, nodes, count);
  });
}

AGON_API cudaError_t cudaGraphNodeGetDependentNodes(cudaGraphNode_t node, cudaGraphNode_t* nodes,
                                                    cudaGraphEdgeData* data, size_t* count) {
  return enter(__func__, [&](Device&) {
    require(data == nullptr, cudaErrorNotSupported, "edges with data are not simulated");
    hand_out(after(node_of(node)), nodes, count);
  });
}

AGON_API cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t* from,
                                              const cudaGraphNode_t* to, const cudaGraphEdgeData* data,
                                              size_t count) {
  return enter(__func__, [&](Device&) {
    require(data == nullptr, cudaErrorNotSupported, "edges with data are not simulated");
    const auto owner = graph_of(graph);
    const auto earlier = nodes_of(from, count), later = nodes_of(to, count);
    for (std::size_t i = 0; i < count; ++i) {
      require(owner->owns(earlier[i]) && owner->owns(later[i]) && earlier[i] != later[i],
              cudaErrorInvalidValue, "an edge must join two nodes of the graph");
      auto& before = later[i]->before;
      require(std::find(before.begin(), before.end(), earlier[i]) == before.end(), cudaErrorInvalidValue,
              "the edge is there already");
      before.push_back(earlier[i]);
    }
  });
}

AGON_API cudaError_t cudaGraphDestroyNode(cudaGraphNode_t node) {
  return enter(__func__, [&](Device&) {
    GraphNode* found = node_of(node);
    found->graph->remove(found);
  });
}

AGON_API cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                          unsigned long long flags) {
  return enter(__func__, [&](Device& device) {
    require(
        (flags & ~(cudaGraphInstantiateFlagUseNodePriority | cudaGraphInstantiateFlagAutoFreeOnLaunch)) == 0,
        cudaErrorNotSupported, "the flags {:#x} are not simulated", flags);
    check_granted(device, *graph_of(graph));
    *exec = adopt(device.scheduler().instantiate(std::make_shared<GraphPlan>(*graph_of(graph))));
  });
}

AGON_API cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph,
                                                   unsigned long long flags) {
  return cudaGraphInstantiate(exec, graph, flags);
}

AGON_API cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return enter(__func__, [&](Device& device) {
    device.scheduler().retire(exec_of(exec));
    drop(exec);
  });
}

AGON_API cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return enter(__func__, [&](Device& device) {
    exec_of(exec);
    stream_of(device, stream);
  });
}

AGON_API cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream_handle) {
  return enter(__func__, [&](Device& device) {
    GraphExec& exec = exec_of(handle);
    Stream& stream = stream_of(device, stream_handle);
    require(!stream.capture, cudaErrorStreamCaptureUnsupported,
            "the launch of a graph is not captured; add a child graph");
    refuse_implicit_sync(device, stream);
    device.scheduler().spend(5e-6);
    device.scheduler().push(stream, exec);
  });
}

AGON_API cudaError_t cudaGraphExecUpdate(cudaGraphExec_t handle, cudaGraph_t graph,
                                         cudaGraphExecUpdateResultInfo* result) {
  return enter(__func__, [&](Device&) {
    GraphExec& exec = exec_of(handle);
    auto plan = std::make_shared<GraphPlan>(*graph_of(graph));
    const bool same = exec.plan->same_shape(*plan);
    *result = {};
    result->result = same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged;
    if (!same) return cudaErrorGraphExecUpdateFailure;
    exec.plan = std::move(plan);
    return cudaSuccess;
  });
}
