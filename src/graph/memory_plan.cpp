#include "graph/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace agon {

int MemoryPlan::add(size_t bytes) {
  buffers_.push_back({(bytes + alignment - 1) / alignment * alignment, 0, -1, -1});
  return static_cast<int>(buffers_.size()) - 1;
}

void MemoryPlan::use(int buffer, int step) {
  Buffer& b = buffers_[static_cast<size_t>(buffer)];
  b.first = b.first < 0 ? step : std::min(b.first, step);
  b.last = std::max(b.last, step);
}

void MemoryPlan::solve() {
  std::vector<size_t> order(buffers_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<const Buffer*> placed;  // by offset
  arena_ = 0;
  for (size_t index : order) {
    Buffer& buffer = buffers_[index];
    if (buffer.first < 0) continue;
    size_t at = 0;
    for (const Buffer* other : placed) {
      if (other->last < buffer.first || other->first > buffer.last) continue;
      if (at + buffer.bytes <= other->offset) break;
      at = std::max(at, other->offset + other->bytes);
    }
    buffer.offset = at;
    arena_ = std::max(arena_, at + buffer.bytes);
    const auto position = std::ranges::lower_bound(placed, at, {}, [](const Buffer* b) { return b->offset; });
    placed.insert(position, &buffer);
  }
}

size_t MemoryPlan::total_bytes() const {
  size_t total = 0;
  for (const Buffer& buffer : buffers_)
    if (buffer.first >= 0) total += buffer.bytes;
  return total;
}

}  // namespace agon
