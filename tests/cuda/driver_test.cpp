#include "backend/cuda/driver.h"

#include "catch.h"
#include "cuda/played_driver.h"

using namespace agon::device;

namespace {

constexpr BuildNeeds needs{.runtime_version = 13000, .oldest_arch = 80};

/// What the user is told of the driver that the test plays.
std::string told(const PlayedDriver& driver, int device = 0) {
  played_driver = driver;
  return why_unusable(probe_driver(nullptr), needs, device);
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

// A machine that is fit for training would be turned away.
TEST_CASE("a fit driver and device are not complained about") {
  played_driver = {.version = 13020, .init_error = 0, .devices = {{"H100", 9, 0}}};
  const DriverState driver = probe_driver(nullptr);
  REQUIRE(driver.devices.size() == 1);
  CHECK(driver.devices[0].name == "H100");
  CHECK(driver.devices[0].major == 9);
  CHECK(driver.devices[0].memory_bytes == size_t{80} << 30);
  CHECK(why_unusable(driver, needs, 0).empty());
  CHECK(version_text(12080) == "12.8");
}
