#pragma once
#include "cuda/runtime/context.h"

/// The functions of the table that are not kernel launches; agon_cuda.h says what they do.
namespace agon::cuda {

const agon_cuda_build* build();
int driver_version(int* version);
int device_count(int* count);
int describe(int device, agon_cuda_device* out);

int open(int device, void* stream, agon_cuda_context** out);
void close(agon_cuda_context* context);
int use_stream(agon_cuda_context* context, void* stream);
int synchronize(agon_cuda_context* context);

int allocate(agon_cuda_context* context, size_t bytes, void** out);
void release(agon_cuda_context* context, void* memory);
int free_memory(agon_cuda_context* context, size_t* free, size_t* total);
int allocate_host(agon_cuda_context* context, size_t bytes, void** out);
void release_host(agon_cuda_context* context, void* memory);
int upload(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
           size_t bytes);
int download(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
             size_t bytes);
int copy_bytes(agon_cuda_context* context, void* target, const void* source, size_t bytes);
int zero(agon_cuda_context* context, void* target, size_t bytes);

int make_event(agon_cuda_context* context, int timed, agon_cuda_event** out);
void drop_event(agon_cuda_context* context, agon_cuda_event* event);
int record_event(agon_cuda_context* context, agon_cuda_stream stream, agon_cuda_event* event);
int stream_wait(agon_cuda_context* context, agon_cuda_stream stream, agon_cuda_event* event);
int host_wait(agon_cuda_context* context, agon_cuda_event* event);
int elapsed(agon_cuda_context* context, agon_cuda_event* from, agon_cuda_event* to, float* milliseconds);

int begin_capture(agon_cuda_context* context);
int end_capture(agon_cuda_context* context, agon_cuda_graph** out);
int kernel_count(const agon_cuda_graph* graph);
int launch_graph(agon_cuda_context* context, agon_cuda_graph* graph);
void drop_graph(agon_cuda_context* context, agon_cuda_graph* graph);

void push_range(agon_cuda_context* context, const char* name);
void pop_range(agon_cuda_context* context);

}  // namespace agon::cuda
