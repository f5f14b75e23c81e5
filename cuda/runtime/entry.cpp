#include "cuda/runtime/calls.h"
#include "cuda/runtime/rivals.h"

namespace agon::cuda {
namespace {

const char* last_error(const agon_cuda_context* context) {
  return context != nullptr ? context->error.c_str() : detached_error().c_str();
}

template <class Args, cudaError_t (*launch)(const Args&, cudaStream_t)>
int launched(agon_cuda_context* context, const Args* args, const char* what) {
  cudaError_t error = enter(context);
  cudaGetLastError();  // an error of the program's own calls is no launch's
  if (error == cudaSuccess) error = launch(*args, context->compute);
  return report(context, error, what);
}

void add_runtime(agon_cuda_table& t) {
  t.build = build;
  t.last_error = last_error;
  t.driver_version = driver_version;
  t.device_count = device_count;
  t.describe = describe;
  t.open = open;
  t.close = close;
  t.use_stream = use_stream;
  t.allocate = allocate;
  t.release = release;
  t.free_memory = free_memory;
  t.allocate_host = allocate_host;
  t.release_host = release_host;
  t.upload = upload;
  t.download = download;
  t.copy_bytes = copy_bytes;
  t.zero = zero;
  t.make_event = make_event;
  t.drop_event = drop_event;
  t.record_event = record_event;
  t.stream_wait = stream_wait;
  t.host_wait = host_wait;
  t.elapsed = elapsed;
  t.synchronize = synchronize;
  t.begin_capture = begin_capture;
  t.end_capture = end_capture;
  t.kernel_count = kernel_count;
  t.launch_graph = launch_graph;
  t.drop_graph = drop_graph;
  t.push_range = push_range;
  t.pop_range = pop_range;
}

void add_kernels(agon_cuda_table& t) {
#define AGON_CUDA_ADD(name, Args)                               \
  t.name = [](agon_cuda_context* context, const Args* args) {   \
    return launched<Args, launch_##name>(context, args, #name); \
  };
  AGON_CUDA_LAUNCHES(AGON_CUDA_ADD)
#undef AGON_CUDA_ADD
#define AGON_CUDA_ADD(name, Args) \
  t.name##_workspace = [](const Args* args) { return cuda::name##_workspace(*args); };
  AGON_CUDA_WORKSPACES(AGON_CUDA_ADD)
#undef AGON_CUDA_ADD
#define AGON_CUDA_ADD(name, Args)                                                                \
  t.name##_stats_partials = [](const Args* args) { return cuda::name##_stats_partials(*args); }; \
  t.name##_instance = [](const Args* args) { return cuda::name##_instance(*args); };             \
  t.name##_instances = [](int* count) {                                                          \
    const auto all = cuda::name##_instances();                                                   \
    *count = static_cast<int>(all.size());                                                       \
    return all.data();                                                                           \
  };                                                                                             \
  t.name##_rivals = name##_rivals;                                                               \
  t.launch_##name##_rival = launch_##name##_rival;
  AGON_CUDA_CONTRACTIONS(AGON_CUDA_ADD)
#undef AGON_CUDA_ADD
}

agon_cuda_table make_table() {
  agon_cuda_table table{};
  table.abi = AGON_CUDA_ABI;
  add_runtime(table);
  add_kernels(table);
  return table;
}

}  // namespace
}  // namespace agon::cuda

extern "C" __attribute__((visibility("default"))) const agon_cuda_table* agon_cuda_entry(int abi) {
  static const agon_cuda_table table = agon::cuda::make_table();
  return abi == AGON_CUDA_ABI ? &table : nullptr;
}
