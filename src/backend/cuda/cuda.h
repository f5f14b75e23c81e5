#pragma once
#include <memory>
#include <string_view>

#include "agon/program.h"

namespace agon {

/// The `cuda` backend on a device, on a stream of the caller's or (null) one of its own. Throws
/// Error(unsupported) with the cure where the build, the driver or the device is not up to it.
std::shared_ptr<Backend> make_cuda_backend(int device, void* stream);

/// The same library on the simulated device. Throws Error(unsupported) where this build has none, or where a
/// real CUDA runtime is in the process already.
std::shared_ptr<Backend> make_simt_backend(void* stream);

}  // namespace agon
