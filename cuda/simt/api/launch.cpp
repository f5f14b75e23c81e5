#include "cuda/simt/api/launch.h"

#include <cstring>

#include "cuda/simt/api/support.h"

namespace agon::simt::api {
namespace {

// A launch that the device would not take: a report, and the error at once.
template <class... Args>
void demand(Device& device, const Function& function, bool condition, cudaError_t error,
            fmt::format_string<Args...> format, Args&&... args) {
  if (condition) return;
  Report report;
  report.kind = FaultKind::launch_limits;
  report.kernel = function.name;
  report.message = fmt::format("the launch of {}: {}", readable_name(function.name),
                               fmt::format(format, std::forward<Args>(args)...));
  const std::string message = report.message;
  device.add_refusal(std::move(report));
  refuse(error, "{}", message);
}

void check_dynamic_shared(Device& device, const Function& function, const Kernel& kernel,
                          std::size_t dynamic_shared) {
  const std::uint32_t granted = function.max_dynamic_shared
                                    ? function.max_dynamic_shared
                                    : shared_per_block - std::min(shared_per_block, kernel.shared_bytes);
  demand(device, function, dynamic_shared <= granted, cudaErrorInvalidValue,
         "{} bytes of dynamic shared memory; the kernel may ask for {} "
         "(cudaFuncAttributeMaxDynamicSharedMemorySize)",
         dynamic_shared, granted);
}

void check_limits(Device& device, const Function& function, const Kernel& kernel, dim3 grid, dim3 block,
                  std::size_t dynamic_shared) {
  const auto say = [&](bool condition, cudaError_t error, auto format, auto&&... args) {
    demand(device, function, condition, error, fmt::runtime(format), args...);
  };
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  say(threads > 0 && grid.x > 0 && grid.y > 0 && grid.z > 0, cudaErrorInvalidConfiguration,
      "an empty grid {} x {} x {} or block {} x {} x {}", grid.x, grid.y, grid.z, block.x, block.y, block.z);
  say(threads <= threads_per_block && block.x <= 1024 && block.y <= 1024 && block.z <= 64,
      cudaErrorInvalidConfiguration, "a block of {} x {} x {} threads; {} takes {}", block.x, block.y,
      block.z, device.arch().name, threads_per_block);
  say(grid.x <= 0x7fffffffu && grid.y <= 65535 && grid.z <= 65535, cudaErrorInvalidConfiguration,
      "a grid of {} x {} x {} blocks; at most 2147483647 x 65535 x 65535 are taken", grid.x, grid.y, grid.z);

  const std::uint32_t total_limit = device.arch().shared_per_block_optin;
  check_dynamic_shared(device, function, kernel, dynamic_shared);
  say(kernel.shared_bytes + dynamic_shared <= total_limit, cudaErrorInvalidValue,
      "{} bytes of shared memory; a block on {} has {}", kernel.shared_bytes + dynamic_shared,
      device.arch().name, total_limit);

  const auto& required = kernel.required_threads;
  say(required[0] == 0 || (block.x == required[0] && block.y == required[1] && block.z == required[2]),
      cudaErrorInvalidValue, "a block of {} x {} x {} threads; the kernel needs {} x {} x {}", block.x,
      block.y, block.z, required[0], required[1], required[2]);
  const auto& most = kernel.max_threads;
  const std::uint64_t limit = std::uint64_t{most[0]} * std::max(most[1], 1u) * std::max(most[2], 1u);
  say(limit == 0 || threads <= limit, cudaErrorLaunchOutOfResources,
      "{} threads a block; its __launch_bounds__ say {}", threads, limit);
}

struct Configuration {
  dim3 grid, block;
  std::size_t shared;
  cudaStream_t stream;
};
thread_local std::vector<Configuration> configurations;

cudaError_t launch(const char* call, const void* function, dim3 grid, dim3 block, void** args,
                   std::size_t shared, cudaStream_t stream, bool cooperative) {
  return enter(call, [&](Device& device) {
    Stream& target = stream_of(device, stream);
    KernelWork work = make_launch(device, function, grid, block, args, shared);
    if (cooperative) {
      const Kernel& kernel = *work.function->kernel;
      const int threads = static_cast<int>(block.x * block.y * block.z);
      const int resident = occupancy(device.arch(), static_cast<int>(kernel.registers),
                                     kernel.shared_bytes + work.dynamic_shared, threads);
      demand(device, *work.function,
             work.grid.count() <=
                 static_cast<std::uint64_t>(resident) * static_cast<std::uint64_t>(device.arch().sm_count),
             cudaErrorCooperativeLaunchTooLarge, "{} blocks cannot all be resident", work.grid.count());
      work.cooperative = true;
    }
    submit(device, target, std::move(work));
  });
}

}  // namespace

Function& function_of(Device& device, const void* handle) {
  Function* function = device.registry().find_function(handle);
  require(function != nullptr, cudaErrorInvalidDeviceFunction, "the function is no registered kernel");
  return *function;
}

KernelWork make_launch(Device& device, const void* handle, dim3 grid, dim3 block, void** args,
                       std::size_t dynamic_shared) {
  Function& function = function_of(device, handle);
  const Kernel& kernel = device.load(function);
  check_limits(device, function, kernel, grid, block, dynamic_shared);
  KernelWork work;
  work.function = &function;
  work.grid = {grid.x, grid.y, grid.z};
  work.block = {block.x, block.y, block.z};
  work.dynamic_shared = static_cast<std::uint32_t>(dynamic_shared);
  work.params.resize(kernel.param_bytes);
  for (std::size_t i = 0; i < kernel.params.size(); ++i) {
    const KernelParam& param = kernel.params[i];
    std::memcpy(work.params.data() + param.offset, args[i], param.size);
  }
  return work;
}

void check_granted(Device& device, const Graph& graph) {
  for (const auto& node : graph.nodes()) {
    if (node->child) check_granted(device, *node->child);
    if (const auto* work = std::get_if<KernelWork>(&node->work); work && !node->child)
      check_dynamic_shared(device, *work->function, *work->function->kernel, work->dynamic_shared);
  }
}

}  // namespace agon::simt::api

using namespace agon::simt;
using namespace agon::simt::api;

AGON_API unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, CUstream_st* stream) {
  configurations.push_back({grid, block, shared, stream});
  return 0;
}

AGON_API cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, void* stream) {
  if (configurations.empty()) return note(__func__, cudaErrorMissingConfiguration, "");
  const Configuration top = configurations.back();
  configurations.pop_back();
  *grid = top.grid;
  *block = top.block;
  *shared = top.shared;
  *static_cast<cudaStream_t*>(stream) = top.stream;
  return cudaSuccess;
}

AGON_API cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* stub) {
  return enter(__func__,
               [&](Device& device) { *kernel = reinterpret_cast<cudaKernel_t>(&function_of(device, stub)); });
}

AGON_API cudaError_t cudaGetKernel(cudaKernel_t* kernel, const void* stub) {
  return __cudaGetKernel(kernel, stub);
}

AGON_API cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** args,
                                        size_t shared, cudaStream_t stream) {
  return launch("cudaLaunchKernel", kernel, grid, block, args, shared, stream, false);
}

AGON_API cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** args, size_t shared,
                                      cudaStream_t stream) {
  return launch(__func__, function, grid, block, args, shared, stream, false);
}

AGON_API cudaError_t cudaLaunchCooperativeKernel(const void* function, dim3 grid, dim3 block, void** args,
                                                 size_t shared, cudaStream_t stream) {
  return launch(__func__, function, grid, block, args, shared, stream, true);
}

AGON_API cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function,
                                         void** args) {
  bool cooperative = false;
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config->attrs[i];
    switch (attribute.id) {
      case cudaLaunchAttributeIgnore:
      case cudaLaunchAttributePriority:
      case cudaLaunchAttributeAccessPolicyWindow:
        break;  // they change no result
      case cudaLaunchAttributeCooperative:
        cooperative = attribute.val.cooperative != 0;
        break;
      default:
        return enter(__func__, [&](Device&) {
          refuse(cudaErrorNotSupported, "launch attribute {} is not simulated",
                 static_cast<int>(attribute.id));
        });
    }
  }
  return launch(__func__, function, config->gridDim, config->blockDim, args, config->dynamicSmemBytes,
                config->stream, cooperative);
}
