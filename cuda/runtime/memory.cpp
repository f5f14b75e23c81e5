#include "cuda/runtime/calls.h"

namespace agon::cuda {
namespace {

int enqueue_copy(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
                 size_t bytes, cudaMemcpyKind kind, const char* what) {
  if (bytes == 0) return agon_cuda_ok;
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaMemcpyAsync(target, source, bytes, kind, context->stream(stream));
  return report(context, error, what);
}

}  // namespace

int allocate(agon_cuda_context* context, size_t bytes, void** out) {
  *out = nullptr;
  cudaError_t error = enter(context);
  if (error == cudaSuccess && bytes > 0) error = cudaMalloc(out, bytes);
  return report(context, error, "allocating device memory");
}

void release(agon_cuda_context* context, void* memory) {
  if (memory == nullptr) return;
  enter(context);
  cudaFree(memory);
}

int free_memory(agon_cuda_context* context, size_t* free, size_t* total) {
  *free = *total = 0;
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaMemGetInfo(free, total);
  return report(context, error, "asking for the free memory");
}

int allocate_host(agon_cuda_context* context, size_t bytes, void** out) {
  *out = nullptr;
  cudaError_t error = enter(context);
  if (error == cudaSuccess && bytes > 0) error = cudaHostAlloc(out, bytes, cudaHostAllocDefault);
  return report(context, error, "allocating pinned memory");
}

void release_host(agon_cuda_context* context, void* memory) {
  if (memory == nullptr) return;
  enter(context);
  cudaFreeHost(memory);
}

int upload(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
           size_t bytes) {
  return enqueue_copy(context, stream, target, source, bytes, cudaMemcpyHostToDevice, "uploading");
}

int download(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
             size_t bytes) {
  return enqueue_copy(context, stream, target, source, bytes, cudaMemcpyDeviceToHost, "downloading");
}

int copy_bytes(agon_cuda_context* context, void* target, const void* source, size_t bytes) {
  return enqueue_copy(context, agon_cuda_compute, target, source, bytes, cudaMemcpyDeviceToDevice, "copying");
}

int zero(agon_cuda_context* context, void* target, size_t bytes) {
  if (bytes == 0) return agon_cuda_ok;
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaMemsetAsync(target, 0, bytes, context->compute);
  return report(context, error, "clearing device memory");
}

}  // namespace agon::cuda
