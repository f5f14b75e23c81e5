#include "backend/cpu/kernels/strides.h"

#include <algorithm>

#include "agon/error.h"

namespace agon::cpu {

Strides row_major(const Shape& shape) {
  Strides strides{};
  int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = step;
    step *= shape[axis];
  }
  return strides;
}

Strides broadcast_strides(const Shape& operand, const Shape& space) {
  check(broadcast(operand, space) == space, ErrorKind::internal, "operand {} does not broadcast to {}",
        operand.str(), space.str());
  const Strides own = row_major(operand);
  const int missing = space.rank() - operand.rank();
  Strides strides{};
  for (int axis = 0; axis < operand.rank(); ++axis)
    strides[static_cast<size_t>(axis + missing)] = operand[axis] == 1 ? 0 : own[static_cast<size_t>(axis)];
  return strides;
}

LoopNest LoopNest::collapsed() const {
  // Axes are gathered innermost first.
  std::vector<size_t> kept;
  std::vector<int64_t> sizes;
  for (int a = extents.rank() - 1; a >= 0; --a) {
    const auto axis = static_cast<size_t>(a);
    if (extents[a] == 1) continue;
    const bool merges = !kept.empty() && std::ranges::all_of(operands, [&](const Strides& s) {
      return s[axis] == s[kept.back()] * sizes.back();
    });
    if (merges) {
      sizes.back() *= extents[a];
    } else {
      kept.push_back(axis);
      sizes.push_back(extents[a]);
    }
  }
  LoopNest result;
  result.operands.resize(operands.size(), Strides{});
  if (kept.empty()) result.extents.push_back(1);
  for (size_t i = kept.size(); i-- > 0;) {
    const auto axis = static_cast<size_t>(result.extents.rank());
    result.extents.push_back(sizes[i]);
    for (size_t k = 0; k < operands.size(); ++k) result.operands[k][axis] = operands[k][kept[i]];
  }
  return result;
}

}  // namespace agon::cpu
