#include "backend/cuda/facts.h"

#include <cuda_runtime_api.h>
#include <filesystem>
#include <fmt/format.h>

#include "backend/cuda/driver.h"
#include "backend/cuda/library.h"

namespace agon {
namespace {

std::string folder_of(const std::string& file) {
  for (const std::string& folder : device::library_folders())
    if (std::error_code error; std::filesystem::exists(folder + "/" + file, error))
      return folder + "/" + file;
  return {};
}

}  // namespace

CudaFacts cuda_facts() {
  CudaFacts facts;
  const std::string archs = AGON_CUDA_ARCH_LIST, library = folder_of("libagon_cuda.so");
  facts.lines.emplace_back("CUDA build", fmt::format("toolkit {}, code for sm {}, PTX for sm 80 and newer",
                                                     device::version_text(CUDART_VERSION), archs));
  facts.lines.emplace_back("CUDA library", library.empty() ? "missing" : library);
  if (library.empty())
    facts.problems.emplace_back(
        "libagon_cuda.so is not beside the program: build the target agon_cuda, or set "
        "AGON_LIBRARY_DIR");
  const device::DriverState driver = device::probe_driver();
  facts.lines.emplace_back("NVIDIA driver",
                           driver.present ? "serves CUDA " + device::version_text(driver.version) : "none");
  for (size_t i = 0; i < driver.devices.size(); ++i) {
    const auto& gpu = driver.devices[i];
    const int native = device::native_arch(archs, gpu);
    const std::string code = native > 0 ? fmt::format("runs the code for sm {}", native)
                                        : "compiles the PTX at its first start (slow once)";
    facts.lines.emplace_back(fmt::format("device {}", i),
                             fmt::format("{}, sm_{}{}, {:.1f} GB, {}", gpu.name, gpu.major, gpu.minor,
                                         static_cast<double>(gpu.memory_bytes) * 1e-9, code));
    if (native == 0 && gpu.major * 10 + gpu.minor >= 80)
      facts.problems.push_back(fmt::format("device {}: build with -DAGON_CUDA_ARCHS={}{} for code of its own",
                                           i, gpu.major, gpu.minor));
  }
  if (const auto reason = device::why_unusable(driver, {CUDART_VERSION, 80, archs}, 0); !reason.empty())
    facts.problems.push_back("cuda: " + reason);
  return facts;
}

}  // namespace agon
