#pragma once
#include <cuda_runtime_api.h>
#include <string>

#include "cuda/runtime/agon_cuda.h"

/// One device with its streams. Calls make the device current first, so that contexts of several devices may
/// be used in turn by one thread.
struct agon_cuda_context {
  int device = 0;
  cudaStream_t own = nullptr, compute = nullptr, copy = nullptr;
  cudaStream_t after_capture = nullptr;      ///< what `compute` is again when a capture ends
  void *cudnn = nullptr, *cublas = nullptr;  ///< handles, made at their first use
  mutable std::string error;

  cudaStream_t stream(agon_cuda_stream which) const { return which == agon_cuda_copy ? copy : compute; }
};

struct agon_cuda_graph {
  cudaGraphExec_t exec = nullptr;
  int kernels = 0;
};

struct agon_cuda_event {
  cudaEvent_t event = nullptr;
};

namespace agon::cuda {

/// Notes what failed (`context` may be null) and turns it into the status of the C interface.
int report(const agon_cuda_context* context, cudaError_t error, const char* what);

/// Makes the context's device current.
inline cudaError_t enter(const agon_cuda_context* context) {
  return cudaSetDevice(context->device);
}

/// The error noted last without a context, by this thread.
const std::string& detached_error();

}  // namespace agon::cuda
