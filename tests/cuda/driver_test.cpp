#include "backend/cuda/driver.h"

#include <dlfcn.h>

#include "catch.h"
#include "cuda/played_driver.h"

using namespace agon::device;

namespace {

const BuildNeeds needs{13000, 80, "80 90"};

DriverState probe(const PlayedDriver& driver) {
  void* library = ::dlopen(AGON_PLAYED_DRIVER, RTLD_NOW | RTLD_LOCAL);
  auto* answers =
      static_cast<PlayedDriver*>(library != nullptr ? ::dlsym(library, "played_driver") : nullptr);
  REQUIRE(answers != nullptr);
  *answers = driver;
  return probe_driver(AGON_PLAYED_DRIVER);
}

/// What the user is told of the driver that the test plays.
std::string told(const PlayedDriver& driver, int device = 0, const BuildNeeds& wanted = needs) {
  return why_unusable(probe(driver), wanted, device);
}

bool says(const std::string& line, std::initializer_list<const char*> parts) {
  INFO(line);
  for (const char* part : parts)
    if (line.find(part) == std::string::npos) return false;
  return line.find('\n') == std::string::npos && line.find("--device cpu") != std::string::npos;
}

}  // namespace

// A user without a driver would get a symbol lookup error, or a crash.
TEST_CASE("a missing driver is told, with a way on") {
  const DriverState driver = probe_driver("libnosuchdriver.so.1");
  CHECK_FALSE(driver.present);
  CHECK(says(why_unusable(driver, needs, 0), {"no NVIDIA driver", "CUDA 13.0"}));
}

// A user with an old driver would get "invalid device function" from the first kernel.
TEST_CASE("a driver that is too old, or does not start, is told with what it serves") {
  CHECK(says(told({.version = 12040, .init_error = 0, .devices = {{"GPU", 8, 0}}}),
             {"CUDA 12.4", "13.0", "newer driver"}));
  CHECK(says(told({.version = 13000, .init_error = 999, .devices = {}}), {"999", "nvidia-smi"}));
  CHECK(says(told({.version = 13000, .init_error = 803, .devices = {}}),
             {"803: system has unsupported display driver", "nvidia-smi"}));
}

// A user would be told "invalid device ordinal".
TEST_CASE("no device, a number out of range and an old device are told apart") {
  CHECK(says(told({.version = 13000, .init_error = 100, .devices = {}}),
             {"no device", "CUDA_VISIBLE_DEVICES"}));
  CHECK(says(told({.version = 13000, .init_error = 0, .devices = {}}), {"no device"}));
  CHECK(says(told({.version = 13000, .init_error = 0, .devices = {{"A", 8, 0}, {"B", 9, 0}}}, 2),
             {"no device 2", "sees 2"}));
  CHECK(says(told({.version = 13000, .init_error = 0, .devices = {{"Old GPU", 7, 5}}}),
             {"Old GPU", "sm_75", "sm_80"}));
}

// A user would get "the provided PTX was compiled with an unsupported toolchain" from the first kernel: only
// drivers as new as the compiler take its PTX, while code of the device's own runs with any of the same major
// version.
TEST_CASE("a driver older than the compiler is told of devices that the build has no code for") {
  const PlayedDriver driver{
      .version = 13000, .init_error = 0, .devices = {{"RTX 5090", 12, 0}, {"RTX 4090", 8, 9}}};
  BuildNeeds newer{13050, 80, "80 90"};
  CHECK(says(told(driver, 0, newer), {"RTX 5090", "sm_120", "13.5", "13.0", "-DAGON_CUDA_ARCHS=120"}));
  CHECK(told(driver, 1, newer).empty());
  newer.archs = "80 90 120";
  CHECK(told(driver, 0, newer).empty());
  CHECK(told(driver).empty());
}

// A machine that is fit for training would be turned away.
TEST_CASE("a fit driver and device are not complained about") {
  const DriverState driver = probe({.version = 13020, .init_error = 0, .devices = {{"H100", 9, 0}}});
  REQUIRE(driver.devices.size() == 1);
  CHECK(driver.devices[0].name == "H100");
  CHECK(driver.devices[0].major == 9);
  CHECK(driver.devices[0].memory_bytes == size_t{80} << 30);
  CHECK(why_unusable(driver, needs, 0).empty());
  CHECK(version_text(12080) == "12.8");
}
