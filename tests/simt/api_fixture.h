// A device without history for one test, and words for what it says.
#pragma once

#include <cuda_runtime.h>
#include <string>
#include <vector>

#include "catch.h"
#include "cuda/simt/simt.h"

namespace simt_test {

struct FreshDevice {
  FreshDevice() { forget(); }
  ~FreshDevice() { forget(); }
  FreshDevice(const FreshDevice&) = delete;
  FreshDevice& operator=(const FreshDevice&) = delete;

  static void forget() {
    cudaDeviceReset();
    cudaGetLastError();
    agon_simt_take_reports();
    agon_simt_clear_counters();
    for (const auto& [name, value] :
         {std::pair{"seed", "0"}, {"arch", "sm_80"}, {"memory", "16G"}, {"launches", "0"}}) {
      agon_simt_set(name, value);
    }
  }
};

template <class T>
T* to_device(const std::vector<T>& host) {
  T* device = nullptr;
  REQUIRE(cudaMalloc(&device, host.size() * sizeof(T)) == cudaSuccess);
  REQUIRE(cudaMemcpy(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  return device;
}

template <class T>
std::vector<T> to_host(const T* device, std::size_t count) {
  std::vector<T> host(count);
  INFO(agon_simt_last_message());
  REQUIRE(cudaMemcpy(host.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
  return host;
}

}  // namespace simt_test
