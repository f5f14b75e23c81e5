#include "backend/cuda/driver.h"

#include <algorithm>
#include <dlfcn.h>
#include <fmt/format.h>
#include <sstream>

namespace agon::device {
namespace {

/// The driver's own interface, as far as it is needed here: its names and types are stable since CUDA 6. It
/// stays loaded: what cuInit has begun cannot be unloaded safely.
class Driver {
 public:
  explicit Driver(void* library) : library_(library) {}

  /// Calls `name`; 0 is success, -1 a driver that lacks it.
  template <class... Args>
  int call(const char* name, Args... args) const {
    auto* function = reinterpret_cast<int (*)(Args...)>(::dlsym(library_, name));
    return function != nullptr ? function(args...) : -1;
  }

 private:
  void* library_;
};

constexpr int capability_major = 75, capability_minor = 76;  // CUdevice_attribute
constexpr int error_no_device = 100;                         // CUresult

}  // namespace

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

int native_arch(const std::string& archs, const DriverState::Device& device) {
  std::istringstream list(archs);
  int best = 0;
  for (int arch = 0; list >> arch;)
    if (arch / 10 == device.major && arch % 10 <= device.minor) best = std::max(best, arch);
  return best;
}

DriverState probe_driver(const char* library) {
  DriverState state;
  void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return state;
  const Driver driver(handle);
  state.present = true;
  driver.call("cuDriverGetVersion", &state.version);
  if (const int failed = driver.call("cuInit", 0u); failed != 0) {
    const char* text = nullptr;
    driver.call("cuGetErrorString", failed, &text);
    if (failed != error_no_device)
      state.error = fmt::format("the NVIDIA driver does not start (error {}: {})", failed,
                                text != nullptr ? text : "unknown to it");
    return state;
  }
  int count = 0;
  driver.call("cuDeviceGetCount", &count);
  for (int i = 0; i < count; ++i) {
    int device = 0;
    if (driver.call("cuDeviceGet", &device, i) != 0) continue;
    DriverState::Device& entry = state.devices.emplace_back();
    char name[256] = "";
    driver.call("cuDeviceGetName", static_cast<char*>(name), 255, device);
    entry.name = name;
    driver.call("cuDeviceGetAttribute", &entry.major, capability_major, device);
    driver.call("cuDeviceGetAttribute", &entry.minor, capability_minor, device);
    driver.call("cuDeviceTotalMem_v2", &entry.memory_bytes, device);
  }
  return state;
}

std::string why_unusable(const DriverState& driver, const BuildNeeds& needs, int index) {
  static constexpr auto way_on = "or use --device cpu";
  if (!driver.present)
    return fmt::format("there is no NVIDIA driver on this machine; install one for CUDA {} or newer, {}",
                       version_text(needs.runtime_version), way_on);
  if (!driver.error.empty()) return fmt::format("{}; see what nvidia-smi says, {}", driver.error, way_on);
  if (driver.version / 1000 < needs.runtime_version / 1000)
    return fmt::format("the NVIDIA driver serves CUDA {}, this build needs {}; install a newer driver, {}",
                       version_text(driver.version), version_text(needs.runtime_version), way_on);
  if (driver.devices.empty())
    return fmt::format("the NVIDIA driver sees no device; check CUDA_VISIBLE_DEVICES and nvidia-smi, {}",
                       way_on);
  if (index < 0 || index >= static_cast<int>(driver.devices.size()))
    return fmt::format("there is no device {}, the driver sees {}; name one of them, {}", index,
                       driver.devices.size(), way_on);
  const auto& device = driver.devices[static_cast<size_t>(index)];
  if (device.major * 10 + device.minor < needs.oldest_arch)
    return fmt::format("device {} ({}) is sm_{}{}, this build needs sm_{} or newer; use another device, {}",
                       index, device.name, device.major, device.minor, needs.oldest_arch, way_on);
  if (native_arch(needs.archs, device) == 0 && driver.version < needs.runtime_version)
    return fmt::format(
        "device {} ({}) is sm_{}{}, for which this build has PTX of CUDA {} alone, and the NVIDIA driver "
        "serves CUDA {}; build with -DAGON_CUDA_ARCHS={}{}, install a newer driver, {}",
        index, device.name, device.major, device.minor, version_text(needs.runtime_version),
        version_text(driver.version), device.major, device.minor, way_on);
  return {};
}

}  // namespace agon::device
