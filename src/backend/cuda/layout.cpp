#include "backend/cuda/layout.h"

#include <algorithm>

namespace agon::device {

void row_major(const Shape& shape, int64_t* strides) {
  int64_t stride = 1;
  for (int i = shape.rank(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
}

void broadcast_strides(const Shape& operand, const Shape& space, int64_t* strides) {
  const int lead = space.rank() - operand.rank();
  std::fill_n(strides, space.rank(), 0);
  row_major(operand, strides + lead);
  for (int i = 0; i < operand.rank(); ++i)
    if (operand[i] == 1) strides[lead + i] = 0;
}

void extents(const Shape& shape, int64_t* out) {
  std::copy(shape.begin(), shape.end(), out);
}

}  // namespace agon::device
