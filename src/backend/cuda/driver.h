#pragma once
#include <string>
#include <vector>

namespace agon::device {

/// What the NVIDIA driver says of a machine, asked of the driver itself: no CUDA runtime is loaded for it.
struct DriverState {
  bool present = false;
  std::string error;  ///< why it could not be asked further
  int version = 0;    ///< the newest CUDA that it serves, e.g. 12040
  struct Device {
    std::string name;
    int major = 0, minor = 0;  ///< compute capability
    size_t memory_bytes = 0;
  };
  std::vector<Device> devices;
};

/// Asks the driver; `library` is its file name.
DriverState probe_driver(const char* library = "libcuda.so.1");

/// What a build of the CUDA library wants.
struct BuildNeeds {
  int runtime_version = 0;  ///< e.g. 13000; drivers of the same major version or newer serve it
  int oldest_arch = 80;     ///< whose PTX it has; only drivers of runtime_version or newer compile that
  std::string archs;        ///< with code of their own, e.g. "80 90"
};

/// The newest of a build's architectures whose code the device runs (same major version, no newer), or 0.
int native_arch(const std::string& archs, const DriverState::Device& device);

/// Why device `index` cannot be used, in one line with the cure; empty if it can.
std::string why_unusable(const DriverState& driver, const BuildNeeds& needs, int index);

/// 13000 -> "13.0".
std::string version_text(int version);

}  // namespace agon::device
