#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "cuda/runtime/calls.h"

namespace agon::cuda {
namespace {

cudaError_t count_kernels(cudaGraph_t graph, int* count) {
  size_t nodes = 0;
  cudaError_t error = cudaGraphGetNodes(graph, nullptr, &nodes);
  std::vector<cudaGraphNode_t> all(nodes);
  if (error == cudaSuccess && nodes > 0) error = cudaGraphGetNodes(graph, all.data(), &nodes);
  *count = 0;
  for (size_t i = 0; i < nodes && error == cudaSuccess; ++i) {
    cudaGraphNodeType type{};
    error = cudaGraphNodeGetType(all[i], &type);
    if (type == cudaGraphNodeTypeKernel) ++*count;
  }
  return error;
}

}  // namespace

/// Captures on the context's own stream: a caller's may be the default one, which cannot be captured, or be
/// in use.
int begin_capture(agon_cuda_context* context) {
  cudaError_t error = enter(context);
  // Relaxed: other threads of the program may go on allocating, and kernels may be loaded at their first
  // launch.
  if (error == cudaSuccess) error = cudaStreamBeginCapture(context->own, cudaStreamCaptureModeRelaxed);
  if (error == cudaSuccess) context->after_capture = std::exchange(context->compute, context->own);
  return report(context, error, "beginning a capture");
}

int end_capture(agon_cuda_context* context, agon_cuda_graph** out) {
  *out = nullptr;
  if (context->after_capture != nullptr) context->compute = std::exchange(context->after_capture, nullptr);
  cudaGraph_t graph = nullptr;
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaStreamEndCapture(context->own, &graph);
  std::unique_ptr<agon_cuda_graph> made(new (std::nothrow) agon_cuda_graph);
  if (!made) error = cudaErrorMemoryAllocation;
  if (error == cudaSuccess) error = count_kernels(graph, &made->kernels);
  if (error == cudaSuccess) error = cudaGraphInstantiate(&made->exec, graph, 0);
  if (graph != nullptr) cudaGraphDestroy(graph);
  if (error == cudaSuccess) *out = made.release();
  return report(context, error, "ending a capture");
}

int kernel_count(const agon_cuda_graph* graph) {
  return graph->kernels;
}

int launch_graph(agon_cuda_context* context, agon_cuda_graph* graph) {
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaGraphLaunch(graph->exec, context->compute);
  return report(context, error, "launching the iteration");
}

void drop_graph(agon_cuda_context* context, agon_cuda_graph* graph) {
  if (graph == nullptr) return;
  enter(context);
  cudaGraphExecDestroy(graph->exec);
  delete graph;
}

}  // namespace agon::cuda
