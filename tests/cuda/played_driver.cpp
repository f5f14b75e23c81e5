#include "cuda/played_driver.h"

#include <cstdio>

PlayedDriver played_driver;

extern "C" {

int cuDriverGetVersion(int* version) {
  *version = played_driver.version;
  return 0;
}
int cuInit(unsigned) {
  return played_driver.init_error;
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
