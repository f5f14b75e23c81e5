#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "agon/philox.h"
#include "agon/types.h"

#include "catch.h"
#include "cuda/kernels/common.h"
#include "support/numbers.h"

/// Launching kernels from tests: on the simulated device where its library is loaded first, else on a GPU.
namespace agon::test {

/// What the simulator's checkers found, or nothing on a GPU.
inline std::string device_reports() {
  using Take = const char* (*)();
  const auto take = reinterpret_cast<Take>(dlsym(RTLD_DEFAULT, "agon_simt_take_reports"));
  const std::string text = take != nullptr ? take() : "";
  return text == "[]" ? "" : text;
}

inline void succeed(cudaError_t error) {
  if (error == cudaSuccess) return;
  const std::string what = cudaGetErrorString(error), reports = device_reports();
  throw std::runtime_error(what + " " + reports);
}

/// False where there is no device, after a line that says which test is skipped.
inline bool have_device(const char* test) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaErrorNoDevice && error != cudaErrorInsufficientDriver) succeed(error);
  if (error == cudaSuccess && count > 0) return true;
  std::printf("skipped: %s: no CUDA device\n", test);
  return false;
}

/// The simulated device becomes that architecture while this lives; a GPU stays what it is.
class AsArch {
 public:
  explicit AsArch(const char* name) { set(name); }
  ~AsArch() { set("sm_80"); }
  AsArch(const AsArch&) = delete;
  AsArch& operator=(const AsArch&) = delete;

 private:
  static void set(const char* name) {
    using Set = int (*)(const char*, const char*);
    const auto option = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "agon_simt_set"));
    if (option != nullptr && option("arch", name) != 0) throw std::runtime_error("the arch cannot be set");
  }
};

/// `count` elements on the device, `offset` elements behind an aligned address.
template <class T>
class Device {
 public:
  explicit Device(size_t count, size_t offset = 0) : count_(count), offset_(offset) {
    succeed(cudaMalloc(reinterpret_cast<void**>(&memory_), (count + offset + 1) * sizeof(T)));
  }
  explicit Device(const std::vector<T>& values, size_t offset = 0) : Device(values.size(), offset) {
    succeed(cudaMemcpy(get(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~Device() { cudaFree(memory_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  T* get() const { return memory_ + offset_; }
  /// The contents after all work.
  std::vector<T> read() const {
    succeed(cudaDeviceSynchronize());
    std::vector<T> values(count_);
    succeed(cudaMemcpy(values.data(), get(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    const std::string reports = device_reports();
    if (!reports.empty()) throw std::runtime_error(reports);
    return values;
  }

 private:
  size_t count_, offset_;
  T* memory_ = nullptr;
};

/// Zeroed scratch of a kernel; its counters must be zero again afterwards, which a second launch shows.
class Workspace {
 public:
  explicit Workspace(size_t bytes) : memory_(std::vector<char>(bytes)), bytes_(bytes) {}
  void* get() const { return bytes_ > 0 ? memory_.get() : nullptr; }

 private:
  Device<char> memory_;
  size_t bytes_;
};

inline std::vector<int32_t> random_indices(int64_t n, uint32_t stream, uint32_t below) {
  PhiloxStream random(11, 0, stream);
  std::vector<int32_t> values(static_cast<size_t>(n));
  for (int32_t& value : values) value = static_cast<int32_t>(random.below(below));
  return values;
}

/// bf16 there and back.
inline std::vector<uint16_t> as_bf16(const std::vector<float>& values) {
  std::vector<uint16_t> bits;
  for (const float value : values) bits.push_back(to_bf16(value));
  return bits;
}
inline std::vector<float> as_f32(const std::vector<uint16_t>& bits) {
  std::vector<float> values;
  for (const uint16_t bit : bits) values.push_back(from_bf16(bit));
  return values;
}

/// Which instances of a family were launched; all of them have to be.
class Seen {
 public:
  void add(int instance) { seen_.insert(instance); }
  void require_all(std::span<const cuda::Instance> table) const {
    for (size_t i = 0; i < table.size(); ++i) {
      INFO("instance " << table[i].name << " was not launched");
      CHECK(seen_.contains(static_cast<int>(i)));
    }
  }

 private:
  std::set<int> seen_;
};

}  // namespace agon::test
