// Launches of kernels.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/simt/device/device.h"

namespace agon::simt::api {

// By the host's stub or a kernel's handle. Refuses what was never registered.
Function& function_of(Device& device, const void* function);

// The launch with its arguments copied. Refuses what is beyond the device's or the kernel's limits, with a
// report.
KernelWork make_launch(Device& device, const void* function, dim3 grid, dim3 block, void** args,
                       std::size_t dynamic_shared);

// Holds a graph's kernels against the shared memory that they may have by now: attributes may have changed
// since its nodes were made.
void check_granted(Device& device, const Graph& graph);

}  // namespace agon::simt::api
