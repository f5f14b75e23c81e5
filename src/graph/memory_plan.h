#pragma once
#include <cstddef>
#include <vector>

namespace agon {

/// Packs buffers with known lifetimes into one arena. A lowering declares buffers, notes each use by the
/// number of the step that reads or writes it, and asks for offsets. Deterministic.
class MemoryPlan {
 public:
  static constexpr size_t alignment = 64;

  /// A buffer of the arena; returns its number.
  int add(size_t bytes);
  /// Step `step` reads or writes `buffer`. Steps count from 0.
  void use(int buffer, int step);
  /// Assigns offsets: larger buffers first, each at the lowest gap that is free throughout its life.
  void solve();

  size_t offset(int buffer) const { return buffers_[static_cast<size_t>(buffer)].offset; }
  size_t arena_bytes() const { return arena_; }
  /// The sum over all buffers, i.e. the arena's size without sharing.
  size_t total_bytes() const;

 private:
  struct Buffer {
    size_t bytes = 0, offset = 0;
    int first = -1, last = -1;
  };
  std::vector<Buffer> buffers_;
  size_t arena_ = 0;
};

}  // namespace agon
