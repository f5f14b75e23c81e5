#include "cuda/runtime/context.h"

#include <fmt/format.h>
#include <utility>

namespace agon::cuda {
namespace {

thread_local std::string without_context;

agon_cuda_status status_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return agon_cuda_ok;
    case cudaErrorMemoryAllocation:
      return agon_cuda_out_of_memory;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInsufficientDriver:
      return agon_cuda_no_device;
    case cudaErrorInvalidValue:
    case cudaErrorNotSupported:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
      return agon_cuda_refused;
    default:
      return agon_cuda_failed;
  }
}

}  // namespace

const std::string& detached_error() {
  return without_context;
}

int report(const agon_cuda_context* context, cudaError_t error, const char* what) {
  if (error == cudaSuccess) return agon_cuda_ok;
  cudaGetLastError();  // errors that do not stick are told once
  std::string& text = context != nullptr ? context->error : without_context;
  text = fmt::format("{}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error));
  return status_of(error);
}

}  // namespace agon::cuda
