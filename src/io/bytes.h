#pragma once
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace agon {

static_assert(std::endian::native == std::endian::little,
              "the files read and written here are little-endian");

/// The little-endian number at `offset`, which the caller has checked to lie inside.
template <class T>
T read_number(std::span<const std::byte> bytes, size_t offset) {
  static_assert(std::is_integral_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T>
void append_number(std::vector<std::byte>& bytes, T value) {
  static_assert(std::is_integral_v<T>);
  const auto* raw = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), raw, raw + sizeof value);
}

}  // namespace agon
