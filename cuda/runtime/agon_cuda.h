#pragma once
#include <stddef.h>
#include <stdint.h>

#include "cuda/runtime/launches.h"

/// The C interface of libagon_cuda.so: one entry, which hands out a versioned table of functions. The library
/// is loaded on demand (dlopen), so that a program that contains Agon starts where there is neither driver
/// nor toolkit. Neither an exception nor a C++ object crosses this line: structs of cuda/kernels' headers are
/// plain data.
///
/// Functions return an agon_cuda_status. After anything but agon_cuda_ok, last_error() says in one line what
/// failed. A context is one device with its streams; use it from one thread at a time.
extern "C" {

/// Changes with every change of the table or of an argument struct.
#define AGON_CUDA_ABI 2

typedef enum agon_cuda_status {
  agon_cuda_ok = 0,
  agon_cuda_out_of_memory = 1,
  agon_cuda_no_device = 2,  ///< no such device, no driver, or one too old
  agon_cuda_refused =
      3,  ///< arguments outside of a kernel's limits, or no part of a graph; nothing was launched
  agon_cuda_failed = 4  ///< the device or the runtime failed; the context is of no further use
} agon_cuda_status;

typedef struct agon_cuda_context agon_cuda_context;
typedef struct agon_cuda_graph agon_cuda_graph;
typedef struct agon_cuda_event agon_cuda_event;

/// What the library was compiled with.
typedef struct agon_cuda_build {
  int runtime_version;  ///< of the CUDA headers, e.g. 13000
  const char* archs;    ///< e.g. "80 90": native code; each may be run by devices of the same major version
  int ptx_arch;         ///< the oldest device that a driver can compile the library's PTX for, e.g. 80
} agon_cuda_build;

typedef struct agon_cuda_device {
  char name[256];
  int major, minor;  ///< compute capability
  int multiprocessors;
  int clock_khz;
  size_t memory_bytes;
  size_t shared_bytes_per_block;  ///< the most that a kernel may opt in to
  char uuid[40];
} agon_cuda_device;

/// A context's streams: kernels, graphs and plain copies go to `compute`, batches of input to `copy`.
typedef enum agon_cuda_stream { agon_cuda_compute = 0, agon_cuda_copy = 1 } agon_cuda_stream;

/// The step block: a small piece of device memory, uploaded before each run, with what changes between runs
/// of one graph. Scalars (f32) follow it.
typedef struct agon_cuda_step {
  uint64_t step;  ///< the counter of random numbers
  uint64_t run;   ///< counts runs of a program; numbers the slots of its ring
} agon_cuda_step;

/// An implementation by a library of the vendor's.
typedef struct agon_cuda_rival {
  char name[48];  ///< with its version
  size_t workspace_bytes;
  int algorithm;
} agon_cuda_rival;

typedef struct agon_cuda_table {
  int abi;
  const agon_cuda_build* (*build)(void);
  /// The last failure of `context`, or of this thread's calls without a context. Valid until the next call.
  const char* (*last_error)(const agon_cuda_context* context);

  // Discovery.
  int (*driver_version)(int* version);  ///< the newest CUDA that the driver serves, e.g. 12040; 0 without one
  int (*device_count)(int* count);
  int (*describe)(int device, agon_cuda_device* out);

  /// Opens a device. `stream` (a cudaStream_t) is where the context works, or null for a stream of its own.
  int (*open)(int device, void* stream, agon_cuda_context** out);
  void (*close)(agon_cuda_context* context);
  /// From now on the context works on `stream` (a cudaStream_t of its device; null: its own again), behind
  /// what it has enqueued so far.
  int (*use_stream)(agon_cuda_context* context, void* stream);

  // Memory. After agon_cuda_out_of_memory, free_memory() is what was free.
  int (*allocate)(agon_cuda_context* context, size_t bytes, void** out);
  void (*release)(agon_cuda_context* context, void* memory);
  int (*free_memory)(agon_cuda_context* context, size_t* free, size_t* total);
  int (*allocate_host)(agon_cuda_context* context, size_t bytes, void** out);  ///< pinned
  void (*release_host)(agon_cuda_context* context, void* memory);

  // Enqueue on a stream; `source` or `target` in host memory should be pinned and must stay untouched until
  // done.
  int (*upload)(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
                size_t bytes);
  int (*download)(agon_cuda_context* context, agon_cuda_stream stream, void* target, const void* source,
                  size_t bytes);
  int (*copy_bytes)(agon_cuda_context* context, void* target, const void* source, size_t bytes);
  int (*zero)(agon_cuda_context* context, void* target, size_t bytes);

  // Events.
  int (*make_event)(agon_cuda_context* context, int timed, agon_cuda_event** out);
  void (*drop_event)(agon_cuda_context* context, agon_cuda_event* event);
  int (*record_event)(agon_cuda_context* context, agon_cuda_stream stream, agon_cuda_event* event);
  /// What is enqueued on `stream` later waits for the event.
  int (*stream_wait)(agon_cuda_context* context, agon_cuda_stream stream, agon_cuda_event* event);
  int (*host_wait)(agon_cuda_context* context, agon_cuda_event* event);
  int (*elapsed)(agon_cuda_context* context, agon_cuda_event* from, agon_cuda_event* to, float* milliseconds);
  int (*synchronize)(agon_cuda_context* context);

  // Graphs: what is enqueued between begin and end becomes one, in place of being executed.
  int (*begin_capture)(agon_cuda_context* context);
  int (*end_capture)(agon_cuda_context* context, agon_cuda_graph** out);
  int (*kernel_count)(const agon_cuda_graph* graph);
  int (*launch_graph)(agon_cuda_context* context, agon_cuda_graph* graph);
  void (*drop_graph)(agon_cuda_context* context, agon_cuda_graph* graph);

  // NVTX ranges, for profilers.
  void (*push_range)(agon_cuda_context* context, const char* name);
  void (*pop_range)(agon_cuda_context* context);

  // The kernels, on the compute stream, and what they tell of themselves.
#define AGON_CUDA_MEMBER(name, Args) int (*name)(agon_cuda_context * context, const agon::cuda::Args* args);
  AGON_CUDA_LAUNCHES(AGON_CUDA_MEMBER)
#undef AGON_CUDA_MEMBER
#define AGON_CUDA_MEMBER(name, Args) size_t (*name##_workspace)(const agon::cuda::Args* args);
  AGON_CUDA_WORKSPACES(AGON_CUDA_MEMBER)
#undef AGON_CUDA_MEMBER
#define AGON_CUDA_MEMBER(name, Args)                                                                    \
  int64_t (*name##_stats_partials)(const agon::cuda::Args* args);                                       \
  int (*name##_instance)(const agon::cuda::Args* args);                                                 \
  const agon::cuda::ContractionInstance* (*name##_instances)(int* count);                               \
  /* Deterministic candidates of cuDNN or cuBLAS for the problem, at most `room`; returns how many. */  \
  int (*name##_rivals)(agon_cuda_context * context, const agon::cuda::Args* args, agon_cuda_rival* out, \
                       int room);                                                                       \
  int (*launch_##name##_rival)(agon_cuda_context * context, int algorithm, const agon::cuda::Args* args);
  AGON_CUDA_CONTRACTIONS(AGON_CUDA_MEMBER)
#undef AGON_CUDA_MEMBER
} agon_cuda_table;

/// The table, or null if the library does not speak version `abi`.
const agon_cuda_table* agon_cuda_entry(int abi);
typedef const agon_cuda_table* (*agon_cuda_entry_type)(int abi);

}  // extern "C"
