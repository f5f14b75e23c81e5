#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "agon/error.h"
#include "agon/types.h"

namespace agon {

/// The DType of a C++ element type; bf16 has none (its storage is read through bytes()).
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::u8;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else {
    static_assert(std::is_same_v<T, int64_t>, "no DType for this element type");
    return DType::i64;
  }
}

/// A block of host memory aligned to 64 bytes (a cache line, an AVX-512 register). Movable, not copyable.
class Buffer {
 public:
  static constexpr size_t alignment = 64;

  Buffer() = default;
  /// Zero-filled. Throws Error(io) when the memory cannot be had, naming the size.
  explicit Buffer(size_t bytes);

  std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

/// A dense row-major host array. Copies share the memory; clone() does not.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType dtype, Shape shape);
  /// A copy of `values`, whose count must be shape.numel().
  template <class T>
  static Tensor of(Shape shape, std::span<const T> values);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t numel() const { return shape_.numel(); }
  std::span<std::byte> bytes() const;

  /// Typed view; throws Error(internal) if T is not the dtype.
  template <class T>
  std::span<T> as() const;

  Tensor clone() const;
  /// The same memory under another shape of equal numel().
  Tensor reshaped(Shape shape) const;
  /// A converted copy (always a copy). Integers saturate, floats round to nearest.
  Tensor to(DType dtype) const;

 private:
  DType dtype_ = DType::f32;
  Shape shape_{0};
  std::shared_ptr<Buffer> buffer_;
};

template <class T>
std::span<T> Tensor::as() const {
  check(dtype_ == dtype_of<T>(), ErrorKind::internal, "tensor of {} read as {}", name_of(dtype_),
        name_of(dtype_of<T>()));
  auto raw = bytes();
  return {reinterpret_cast<T*>(raw.data()), raw.size() / sizeof(T)};
}

template <class T>
Tensor Tensor::of(Shape shape, std::span<const T> values) {
  Tensor result(dtype_of<T>(), shape);
  check(static_cast<int64_t>(values.size()) == result.numel(), ErrorKind::usage,
        "tensor: {} values for shape {}", values.size(), result.shape().str());
  std::copy(values.begin(), values.end(), result.template as<T>().begin());
  return result;
}

}  // namespace agon
