// Names and words of the runtime's errors.
#include <array>
#include <cuda_runtime_api.h>

#include "cuda/simt/api/support.h"

namespace {

struct Words {
  cudaError_t error;
  const char* name;
  const char* text;
};

#define WORDS(error, text) \
  Words {                  \
    error, #error, text    \
  }
constexpr std::array words = {
    WORDS(cudaSuccess, "no error"),
    WORDS(cudaErrorInvalidValue, "invalid argument"),
    WORDS(cudaErrorMemoryAllocation, "out of memory"),
    WORDS(cudaErrorInitializationError, "initialization error"),
    WORDS(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    WORDS(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    WORDS(cudaErrorInvalidSymbol, "invalid device symbol"),
    WORDS(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    WORDS(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    WORDS(cudaErrorMissingConfiguration, "__global__ function call is not configured"),
    WORDS(cudaErrorInvalidDeviceFunction, "invalid device function"),
    WORDS(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    WORDS(cudaErrorInvalidDevice, "invalid device ordinal"),
    WORDS(cudaErrorInvalidKernelImage, "device kernel image is invalid"),
    WORDS(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    WORDS(cudaErrorInvalidPtx, "a PTX JIT compilation failed"),
    WORDS(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    WORDS(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    WORDS(cudaErrorSymbolNotFound, "named symbol not found"),
    WORDS(cudaErrorNotReady, "device not ready"),
    WORDS(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    WORDS(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    WORDS(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    WORDS(cudaErrorAssert, "device-side assert triggered"),
    WORDS(cudaErrorHostMemoryAlreadyRegistered,
          "part or all of the requested memory range is already mapped"),
    WORDS(cudaErrorHostMemoryNotRegistered, "pointer does not correspond to a registered memory region"),
    WORDS(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
    WORDS(cudaErrorMisalignedAddress, "misaligned address"),
    WORDS(cudaErrorLaunchFailure, "unspecified launch failure"),
    WORDS(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch"),
    WORDS(cudaErrorNotPermitted, "operation not permitted"),
    WORDS(cudaErrorNotSupported, "operation not supported"),
    WORDS(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    WORDS(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    WORDS(cudaErrorStreamCaptureMerge, "operation would result in a merge of separate capture sequences"),
    WORDS(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began"),
    WORDS(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    WORDS(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream"),
    WORDS(cudaErrorStreamCaptureImplicit,
          "operation would make the legacy stream depend on a capturing blocking stream"),
    WORDS(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream"),
    WORDS(cudaErrorStreamCaptureWrongThread,
          "attempt to terminate a thread-local capture sequence from another thread"),
    WORDS(cudaErrorTimeout, "wait operation timed out"),
    WORDS(cudaErrorGraphExecUpdateFailure,
          "the graph update was not performed because it included changes which violated constraints "
          "specific to instantiated graph update"),
    WORDS(cudaErrorUnknown, "unknown error"),
};
#undef WORDS

const Words* find(cudaError_t error) {
  for (const Words& w : words) {
    if (w.error == error) return &w;
  }
  return nullptr;
}

}  // namespace

AGON_API const char* cudaGetErrorString(cudaError_t error) {
  const Words* found = find(error);
  return found ? found->text : "unrecognized error code";
}

AGON_API const char* cudaGetErrorName(cudaError_t error) {
  const Words* found = find(error);
  return found ? found->name : "unrecognized error code";
}
