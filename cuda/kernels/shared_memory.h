#pragma once
#include <cstddef>
#include <cuda_runtime_api.h>

namespace agon::cuda {

/// Lets `kernel` be launched with `bytes` of dynamic shared memory on the current device: with all that a
/// block can have there, as a launch that is part of a graph needs no less later. cudaErrorInvalidValue where
/// it is not so much.
cudaError_t allow_shared(const void* kernel, size_t bytes);

}  // namespace agon::cuda
