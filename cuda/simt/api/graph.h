// Nodes of graphs as the API tells of them.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/simt/device/device.h"

namespace agon::simt::api {

cudaGraphNodeType type_of(const GraphNode& node);

// The work that the parameters of a node ask for.
KernelWork kernel_work(Device& device, const cudaKernelNodeParams& params);
CopyWork copy_work(Device& device, const cudaMemcpy3DParms& params);
FillWork fill_work(Device& device, const cudaMemsetParams& params);

}  // namespace agon::simt::api
