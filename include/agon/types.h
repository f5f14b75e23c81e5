#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace agon {

/// Element types. A graph's floating-point values are nominally f32; `reference` evaluates them in f64.
enum class DType : uint8_t { f32, bf16, f64, u8, i32, i64 };

/// Bytes of one element.
size_t size_of(DType dtype);
/// "f32", "bf16", "f64", "u8", "i32", "i64".
std::string_view name_of(DType dtype);
/// True for f32, bf16 and f64.
bool is_float(DType dtype);

/// bfloat16 bits of a float, round to nearest even (NaN stays NaN).
uint16_t to_bf16(float value);
float from_bf16(uint16_t bits);

/// Extents of a dense row-major array, outermost first; rank 0 is a scalar. Images are NHWC,
/// convolution weights KRSC (out, height, width, in / groups).
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  /// Throws Error(usage) for more than max_rank extents or a negative one.
  Shape(std::initializer_list<int64_t> extents);
  explicit Shape(std::span<const int64_t> extents);

  int rank() const { return rank_; }
  /// Product of the extents; 1 for a scalar.
  int64_t numel() const;
  /// Negative indices count from the end, as in NumPy.
  int64_t operator[](int axis) const { return extents_[index(axis)]; }
  int64_t& operator[](int axis) { return extents_[index(axis)]; }
  void push_back(int64_t extent);

  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }
  bool operator==(const Shape& other) const;

  /// "[64, 4, 4, 512]".
  std::string str() const;

 private:
  size_t index(int axis) const { return static_cast<size_t>(axis < 0 ? axis + rank_ : axis); }

  std::array<int64_t, max_rank> extents_{};
  int rank_ = 0;
};

/// The shape of an elementwise result (NumPy broadcasting). Throws Error(usage) if there is none.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace agon
