#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "agon/graph.h"
#include "agon/tensor.h"

namespace agon::reference {

/// How the oracle holds values of a dtype: f64 for floats, i32 for integers.
inline DType held_as(DType dtype) {
  return is_float(dtype) ? DType::f64 : DType::i32;
}

/// A dense row-major block of f64 or i32 that somebody else owns.
class Array {
 public:
  Array() = default;
  Array(DType dtype, Shape shape, std::byte* data) : dtype_(dtype), shape_(shape), data_(data) {}
  explicit Array(const Tensor& tensor) : Array(tensor.dtype(), tensor.shape(), tensor.bytes().data()) {}

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t numel() const { return shape_.numel(); }
  std::byte* data() const { return data_; }
  std::span<std::byte> bytes() const { return {data_, static_cast<size_t>(numel()) * size_of(dtype_)}; }

  /// Typed memory; throws Error(internal) if the dtype is another.
  double* f64() const {
    check(dtype_ == DType::f64, ErrorKind::internal, "reference: floats expected, not {}", name_of(dtype_));
    return reinterpret_cast<double*>(data_);
  }
  int32_t* i32() const {
    check(dtype_ == DType::i32, ErrorKind::internal, "reference: integers expected, not {}", name_of(dtype_));
    return reinterpret_cast<int32_t*>(data_);
  }

  /// Element `i` whatever the dtype; a double holds every i32.
  double get(int64_t i) const {
    return dtype_ == DType::f64 ? reinterpret_cast<const double*>(data_)[i]
                                : reinterpret_cast<const int32_t*>(data_)[i];
  }
  /// Integers round to nearest and saturate, as Tensor::to does.
  void set(int64_t i, double value) const {
    if (dtype_ == DType::f64) {
      reinterpret_cast<double*>(data_)[i] = value;
      return;
    }
    constexpr double low = std::numeric_limits<int32_t>::min(), high = std::numeric_limits<int32_t>::max();
    reinterpret_cast<int32_t*>(data_)[i] =
        static_cast<int32_t>(std::fmin(std::fmax(std::nearbyint(value), low), high));
  }

 private:
  DType dtype_ = DType::f64;
  Shape shape_;
  std::byte* data_ = nullptr;
};

/// One node about to run. Outputs that update a state in place share its memory with the input.
struct Call {
  const Node& node;
  std::span<const Array> in, out;
  uint64_t seed, step;

  template <class T>
  const T& attr() const {
    return node.get<T>();
  }
};

}  // namespace agon::reference
