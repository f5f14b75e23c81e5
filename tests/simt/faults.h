// Planted faults: small programs with one fault each, and their twins without it. The broken one must be
// reported with its kind and on a line marked "//< name" in its source (but for faults of the host's, which
// lie on no line of a kernel); the clean one must pass in silence for twenty seeds.
#pragma once

#include <initializer_list>

#include "cuda/simt/check/report.h"

namespace simt_test {

struct PlantedFault {
  const char* name;
  agon::simt::FaultKind kind;
  void (*run)(bool broken);  // launches and synchronises; errors of the runtime are no matter
  bool of_host = false;      // a launch, a copy or the host's own access: a report may have no line
};

// `file`: __FILE__ of the faults. Fails the running test case where one is missed or a twin raises an alarm.
void check_faults(const char* file, std::initializer_list<PlantedFault> faults);

// Memory that a program of this file got; freed with the device.
void* device_bytes(std::size_t bytes);
template <class T>
T* device_array(std::size_t count) {
  return static_cast<T*>(device_bytes(count * sizeof(T)));
}
// The same, all bytes zero and written.
void* zeroed_bytes(std::size_t bytes);
template <class T>
T* zeroed_array(std::size_t count) {
  return static_cast<T*>(zeroed_bytes(count * sizeof(T)));
}
// Waits for all work; what the runtime says of it is no matter here, the reports are.
void finish();

}  // namespace simt_test

// A PlantedFault's `run` that launches kernel<broken> with the arguments.
#define RUN(kernel, grid, block, shared, ...)              \
  [](bool broken) {                                        \
    if (broken)                                            \
      kernel<true><<<grid, block, shared>>>(__VA_ARGS__);  \
    else                                                   \
      kernel<false><<<grid, block, shared>>>(__VA_ARGS__); \
  }
