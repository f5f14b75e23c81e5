#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define AGON_HAS_NVTX 1
#endif

#include "cuda/runtime/calls.h"

namespace agon::cuda {

#ifdef AGON_HAS_NVTX
void push_range(agon_cuda_context*, const char* name) {
  nvtxRangePushA(name);
}
void pop_range(agon_cuda_context*) {
  nvtxRangePop();
}
#else
void push_range(agon_cuda_context*, const char*) {}
void pop_range(agon_cuda_context*) {}
#endif

}  // namespace agon::cuda
