// Stands in for the NVIDIA driver: the functions that are asked of it, which answer as the test sets.
#include <cstdio>

#include "cuda/played_driver.h"

extern "C" {

PlayedDriver played_driver;

int cuDriverGetVersion(int* version) {
  *version = played_driver.version;
  return 0;
}
int cuInit(unsigned) {
  return played_driver.init_error;
}
int cuGetErrorString(int error, const char** text) {
  *text = error == 803 ? "system has unsupported display driver / cuda driver combination" : nullptr;
  return *text != nullptr ? 0 : 1;
}
int cuDeviceGetCount(int* count) {
  *count = static_cast<int>(played_driver.devices.size());
  return 0;
}
int cuDeviceGet(int* device, int index) {
  *device = index;
  return 0;
}
int cuDeviceGetName(char* name, int length, int device) {
  std::snprintf(name, static_cast<size_t>(length), "%s",
                played_driver.devices[static_cast<size_t>(device)].name.c_str());
  return 0;
}
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  const auto& d = played_driver.devices[static_cast<size_t>(device)];
  *value = attribute == 75 ? d.major : d.minor;
  return 0;
}
int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = size_t{80} << 30;
  return 0;
}

}  // extern "C"
