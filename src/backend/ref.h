#pragma once
#include <cstdint>

namespace agon {

/// A place in one of a program's buffers, fixed before the addresses are known.
struct Ref {
  int buffer = -1;
  int64_t offset = 0;  ///< bytes
  bool valid() const { return buffer >= 0; }
  Ref operator+(int64_t bytes) const { return {buffer, offset + bytes}; }
  bool operator==(const Ref&) const = default;
};

}  // namespace agon
