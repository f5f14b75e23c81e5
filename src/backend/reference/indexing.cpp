#include <algorithm>

#include "backend/reference/kernels.h"

namespace agon::reference {
namespace {

int64_t checked(const Call& call, const Array& index, int64_t i, int64_t extent) {
  const int32_t value = index.i32()[i];
  check(value >= 0 && value < extent, ErrorKind::data, "{} '{}': index {} at place {} is outside of 0 to {}",
        name_of(call.node.op), call.node.name, value, i, extent - 1);
  return value;
}

}  // namespace

void gather(const Call& call) {
  const Array &table = call.in[0], &index = call.in[1], &y = call.out[0];
  const int64_t width = table.shape()[1];
  for (int64_t i = 0; i < index.numel(); ++i) {
    const int64_t row = checked(call, index, i, table.shape()[0]);
    for (int64_t c = 0; c < width; ++c) y.set(i * width + c, table.get(row * width + c));
  }
}

void scatter_add(const Call& call) {
  const Array &index = call.in[0], &values = call.in[1], &y = call.out[0];
  const int64_t width = y.shape()[1];
  std::ranges::fill(y.bytes(), std::byte{0});
  for (int64_t i = 0; i < index.numel(); ++i) {
    const int64_t row = checked(call, index, i, y.shape()[0]);
    for (int64_t c = 0; c < width; ++c)
      y.set(row * width + c, y.get(row * width + c) + values.get(i * width + c));
  }
}

void one_hot(const Call& call) {
  const int64_t depth = call.out[0].shape()[-1];
  std::ranges::fill(call.out[0].bytes(), std::byte{0});
  for (int64_t i = 0; i < call.in[0].numel(); ++i)
    call.out[0].set(i * depth + checked(call, call.in[0], i, depth), 1);
}

}  // namespace agon::reference
