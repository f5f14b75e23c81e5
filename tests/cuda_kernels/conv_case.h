#pragma once
#include <cstdint>
#include <cstring>
#include <cuda_runtime_api.h>
#include <random>
#include <string>
#include <vector>

#include "cuda/kernels/conv.h"
#include "cuda/kernels/gemm.h"

/// Direct launches of convolutions and matrix products against naive double loops. Numbers lie on a coarse
/// grid, so that every sum is exact in f32 whatever the precision of the operands; results are compared at
/// 1e-6 of their largest magnitude even for tf32 and bf16.
namespace conv_test {

using namespace agon::cuda;

inline uint16_t to_bf16(double x) {
  const float f = static_cast<float>(x);
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline double from_bf16(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

/// A tensor on the device, f32 or bf16, with its values as double on the host.
class DeviceTensor {
 public:
  DeviceTensor() = default;
  DeviceTensor(std::vector<double> values, DType dtype);
  explicit DeviceTensor(std::vector<double> host) : DeviceTensor(std::move(host), DType::f32) {}
  ~DeviceTensor();
  DeviceTensor(DeviceTensor&& other) noexcept { *this = std::move(other); }
  DeviceTensor& operator=(DeviceTensor&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(values, other.values);
    std::swap(dtype_, other.dtype_);
    return *this;
  }

  void* data() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }
  /// What the device holds now.
  std::vector<double> read() const;

  std::vector<double> values;

 private:
  void* data_ = nullptr;
  DType dtype_ = DType::f32;
};

/// Zeroed memory of the device.
class DeviceBytes {
 public:
  explicit DeviceBytes(size_t bytes);
  ~DeviceBytes() { cudaFree(data_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;
  void* data() const { return data_; }
  std::vector<uint32_t> words() const;

 private:
  void* data_ = nullptr;
  size_t bytes_;
};

/// Which prologue and epilogue a case has.
struct Extras {
  bool scale = false;  ///< batch norm's scale and shift in a forward prologue (or behind a backward one)
  bool prologue =
      false;  ///< an activation's prologue: of x in forward, of y in input_grad, of both in weight_grad
  bool backward = false;  ///< the prologue of y (of x in forward) is the backward one
  Activation activation{ActivationKind::leaky_relu, 0.25f};
  bool bias = false, accumulate = false, stats = false;
  Activation epilogue{};
};

struct ConvCase {
  const char* name;
  ConvShape shape;  ///< `y` is filled in from pad_hi
  int pad_hi[3] = {0, 0, 0};
};

ConvShape completed(const ConvCase& c);

/// Runs `how` (its operation, shape, math, instance and splits) on tensors of its own, and returns
/// max|difference| / max|reference|, or a number above 1 with a line in `why` if it could not run or left
/// something wrong.
constexpr double cannot_run = -1;  ///< the instance does not take these arguments
double conv_error(const ConvArgs& how, const Extras& extras, std::string& why);
double matmul_error(const MatmulArgs& how, const Extras& extras, std::string& why);

}  // namespace conv_test
