#include <algorithm>

#include "cuda/simt/api/graph.h"
#include "cuda/simt/api/graph_handles.h"
#include "cuda/simt/api/launch.h"
#include "cuda/simt/api/support.h"

namespace agon::simt::api {

KernelWork kernel_work(Device& device, const cudaKernelNodeParams& params) {
  require(params.extra == nullptr, cudaErrorNotSupported,
          "kernel parameters as one buffer are not simulated");
  return make_launch(device, params.func, params.gridDim, params.blockDim, params.kernelParams,
                     params.sharedMemBytes);
}

CopyWork copy_work(Device&, const cudaMemcpy3DParms& p) {
  require(p.srcArray == nullptr && p.dstArray == nullptr && p.extent.depth <= 1, cudaErrorNotSupported,
          "copies of arrays and volumes are not simulated");
  CopyWork work;
  work.to = static_cast<std::byte*>(p.dstPtr.ptr) + p.dstPos.y * p.dstPtr.pitch + p.dstPos.x;
  work.from = static_cast<std::byte*>(p.srcPtr.ptr) + p.srcPos.y * p.srcPtr.pitch + p.srcPos.x;
  work.to_pitch = p.dstPtr.pitch;
  work.from_pitch = p.srcPtr.pitch;
  work.width = p.extent.width;
  work.height = std::max<std::size_t>(p.extent.height, 1);
  return work;
}

FillWork fill_work(Device&, const cudaMemsetParams& p) {
  require(p.elementSize == 1 || p.elementSize == 2 || p.elementSize == 4, cudaErrorInvalidValue,
          "a memset's elements have 1, 2 or 4 bytes, not {}", p.elementSize);
  return {p.dst, p.pitch, p.value, p.elementSize, p.width, std::max<std::size_t>(p.height, 1)};
}

namespace {

cudaError_t add_node(const char* call, cudaGraphNode_t* result, cudaGraph_t graph,
                     const cudaGraphNode_t* before, std::size_t count,
                     const std::function<Work(Device&)>& work) {
  return enter(call, [&](Device& device) {
    *result = handle_of(graph_of(graph)->add(work(device), nodes_of(before, count)));
  });
}

template <class Kind>
Kind& work_in(GraphNode* node) {
  Kind* work = std::get_if<Kind>(&node->work);
  require(work != nullptr && !node->child, cudaErrorInvalidValue, "the node is of another kind");
  return *work;
}

// The node of an executable graph that came from `node`; its plan is copied first where a queued launch uses
// it.
template <class Kind>
void set_in_exec(cudaGraphExec_t handle, cudaGraphNode_t node_handle, Kind work) {
  GraphExec& exec = exec_of(handle);
  const GraphNode* node = node_of(node_handle);
  if (exec.plan.use_count() > 1) exec.plan = std::make_shared<GraphPlan>(*exec.plan);
  for (GraphPlan::Node& planned : exec.plan->nodes) {
    if (planned.origin != node) continue;
    require(std::holds_alternative<Kind>(planned.work), cudaErrorInvalidValue, "the node is of another kind");
    planned.work = std::move(work);
    return;
  }
  refuse(cudaErrorInvalidValue, "the node is not in the executable graph");
}

}  // namespace
}  // namespace agon::simt::api

using namespace agon::simt;
using namespace agon::simt::api;

AGON_API cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                            const cudaGraphNode_t* before, size_t count,
                                            const cudaKernelNodeParams* params) {
  return add_node(__func__, node, graph, before, count,
                  [&](Device& d) -> Work { return kernel_work(d, *params); });
}

AGON_API cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                            const cudaGraphNode_t* before, size_t count,
                                            const cudaMemcpy3DParms* params) {
  return add_node(__func__, node, graph, before, count,
                  [&](Device& d) -> Work { return copy_work(d, *params); });
}

AGON_API cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* node, cudaGraph_t graph,
                                              const cudaGraphNode_t* before, size_t count, void* to,
                                              const void* from, size_t bytes, cudaMemcpyKind) {
  return add_node(__func__, node, graph, before, count,
                  [&](Device&) -> Work { return CopyWork{to, bytes, from, bytes, bytes, 1, nullptr}; });
}

AGON_API cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                            const cudaGraphNode_t* before, size_t count,
                                            const cudaMemsetParams* params) {
  return add_node(__func__, node, graph, before, count,
                  [&](Device& d) -> Work { return fill_work(d, *params); });
}

AGON_API cudaError_t cudaGraphAddHostNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                          const cudaGraphNode_t* before, size_t count,
                                          const cudaHostNodeParams* params) {
  return add_node(__func__, node, graph, before, count, [&](Device&) -> Work {
    return HostWork{params->fn, params->userData};
  });
}

AGON_API cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                           const cudaGraphNode_t* before, size_t count) {
  return add_node(__func__, node, graph, before, count, [](Device&) -> Work { return EmptyWork{}; });
}

AGON_API cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* node, cudaGraph_t graph,
                                                const cudaGraphNode_t* before, size_t count,
                                                cudaGraph_t child) {
  return enter(__func__, [&](Device&) {
    *node = handle_of(graph_of(graph)->add_child(*graph_of(child), nodes_of(before, count)));
  });
}

AGON_API cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  return enter(__func__, [&](Device&) { *type = type_of(*node_of(node)); });
}

AGON_API cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node, cudaKernelNodeParams* params) {
  return enter(__func__, [&](Device&) {
    GraphNode* found = node_of(node);
    auto& work = work_in<KernelWork>(found);
    found->arguments.clear();
    for (const KernelParam& param : work.function->kernel->params) {
      found->arguments.push_back(work.params.data() + param.offset);
    }
    *params = {};
    params->func = const_cast<Function*>(work.function);
    params->gridDim = dim3(work.grid.x, work.grid.y, work.grid.z);
    params->blockDim = dim3(work.block.x, work.block.y, work.block.z);
    params->sharedMemBytes = work.dynamic_shared;
    params->kernelParams = found->arguments.data();
  });
}

AGON_API cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node, const cudaKernelNodeParams* params) {
  return enter(__func__, [&](Device& d) { work_in<KernelWork>(node_of(node)) = kernel_work(d, *params); });
}

AGON_API cudaError_t cudaGraphMemsetNodeGetParams(cudaGraphNode_t node, cudaMemsetParams* params) {
  return enter(__func__, [&](Device&) {
    const auto& work = work_in<FillWork>(node_of(node));
    *params = {work.to, work.pitch, work.value, work.element, work.width, work.height};
  });
}

AGON_API cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                                      const cudaKernelNodeParams* params) {
  return enter(__func__, [&](Device& d) { set_in_exec(exec, node, kernel_work(d, *params)); });
}

AGON_API cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t exec, cudaGraphNode_t node, void* to,
                                                        const void* from, size_t bytes, cudaMemcpyKind) {
  return enter(__func__, [&](Device&) {
    set_in_exec(exec, node, CopyWork{to, bytes, from, bytes, bytes, 1, nullptr});
  });
}

AGON_API cudaError_t cudaGraphExecMemsetNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                                      const cudaMemsetParams* params) {
  return enter(__func__, [&](Device& d) { set_in_exec(exec, node, fill_work(d, *params)); });
}

AGON_API cudaError_t cudaGraphExecHostNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                                    const cudaHostNodeParams* params) {
  return enter(__func__, [&](Device&) { set_in_exec(exec, node, HostWork{params->fn, params->userData}); });
}
