#include "agon/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace agon {

Buffer::Buffer(size_t bytes) : size_(bytes) {
  const size_t padded = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, padded)));
  check(data_ != nullptr, ErrorKind::io, "out of memory: {} bytes asked for; use a smaller batch", bytes);
  std::memset(data_.get(), 0, padded);
}

void Buffer::Free::operator()(std::byte* p) const {
  std::free(p);
}

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype),
      shape_(shape),
      buffer_(std::make_shared<Buffer>(static_cast<size_t>(shape.numel()) * size_of(dtype))) {}

std::span<std::byte> Tensor::bytes() const {
  return buffer_ ? std::span(buffer_->data(), buffer_->size()) : std::span<std::byte>();
}

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  std::ranges::copy(bytes(), copy.bytes().begin());
  return copy;
}

Tensor Tensor::reshaped(Shape shape) const {
  check(shape.numel() == numel(), ErrorKind::usage, "reshape: {} does not hold the {} elements of {}",
        shape.str(), numel(), shape_.str());
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

namespace {

template <class Source, class Target>
void convert(const Tensor& from, const Tensor& to) {
  auto source = from.as<Source>();
  auto target = to.as<Target>();
  for (size_t i = 0; i < source.size(); ++i) {
    if constexpr (std::is_floating_point_v<Source> && std::is_integral_v<Target>) {
      const double rounded = std::nearbyint(static_cast<double>(source[i]));
      const double low = static_cast<double>(std::numeric_limits<Target>::min());
      const double high = static_cast<double>(std::numeric_limits<Target>::max());
      target[i] = rounded >= high  ? std::numeric_limits<Target>::max()
                  : rounded <= low ? std::numeric_limits<Target>::min()
                                   : static_cast<Target>(rounded);
    } else if constexpr (std::is_integral_v<Source> && std::is_integral_v<Target>) {
      target[i] = static_cast<Target>(std::clamp<int64_t>(source[i], std::numeric_limits<Target>::min(),
                                                          std::numeric_limits<Target>::max()));
    } else {
      target[i] = static_cast<Target>(source[i]);
    }
  }
}

template <class Source>
void convert_to(const Tensor& from, const Tensor& to) {
  switch (to.dtype()) {
    case DType::f32:
      return convert<Source, float>(from, to);
    case DType::f64:
      return convert<Source, double>(from, to);
    case DType::u8:
      return convert<Source, uint8_t>(from, to);
    case DType::i32:
      return convert<Source, int32_t>(from, to);
    case DType::i64:
      return convert<Source, int64_t>(from, to);
    case DType::bf16:
      break;
  }
  auto source = from.as<Source>();
  auto* target = reinterpret_cast<uint16_t*>(to.bytes().data());
  for (size_t i = 0; i < source.size(); ++i) target[i] = to_bf16(static_cast<float>(source[i]));
}

}  // namespace

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return clone();
  Tensor result(dtype, shape_);
  switch (dtype_) {
    case DType::f32:
      convert_to<float>(*this, result);
      break;
    case DType::f64:
      convert_to<double>(*this, result);
      break;
    case DType::u8:
      convert_to<uint8_t>(*this, result);
      break;
    case DType::i32:
      convert_to<int32_t>(*this, result);
      break;
    case DType::i64:
      convert_to<int64_t>(*this, result);
      break;
    case DType::bf16: {
      Tensor wide(DType::f32, shape_);
      const auto* source = reinterpret_cast<const uint16_t*>(bytes().data());
      auto target = wide.as<float>();
      for (size_t i = 0; i < target.size(); ++i) target[i] = from_bf16(source[i]);
      return wide.to(dtype);
    }
  }
  return result;
}

}  // namespace agon
