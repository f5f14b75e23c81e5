#include <algorithm>
#include <limits>

#include "backend/reference/kernels.h"
#include "backend/reference/walk.h"

namespace agon::reference {
namespace {

/// Element offset of the index `at`.
int64_t offset_of(const Shape& at, const Strides& strides) {
  int64_t offset = 0;
  for (int i = 0; i < at.rank(); ++i) offset += at[i] * strides[static_cast<size_t>(i)];
  return offset;
}

/// Copies a block of `shape` between two arrays from the given first elements on.
void copy_block(const Shape& shape, const Array& from, int64_t from_start, const Strides& from_strides,
                const Array& to, int64_t to_start, const Strides& to_strides) {
  walk<2>(shape, {from_strides, to_strides},
          [&](int64_t, const auto& at) { to.set(to_start + at[1], from.get(from_start + at[0])); });
}

}  // namespace

void copy(const Call& call) {
  if (call.in[0].data() != call.out[0].data())
    std::ranges::copy(call.in[0].bytes(), call.out[0].bytes().begin());
}

void transpose(const Call& call) {
  const Strides own = strides_of(call.in[0].shape());
  Strides permuted{};
  const auto& axes = call.attr<AxesAttr>().axes;
  for (size_t i = 0; i < axes.size(); ++i) permuted[i] = own[static_cast<size_t>(axes[i])];
  const Shape& shape = call.out[0].shape();
  copy_block(shape, call.in[0], 0, permuted, call.out[0], 0, strides_of(shape));
}

void broadcast_to(const Call& call) {
  const Shape& shape = call.out[0].shape();
  copy_block(shape, call.in[0], 0, broadcast_strides(call.in[0].shape(), shape), call.out[0], 0,
             strides_of(shape));
}

void concat(const Call& call) {
  const auto axis = static_cast<size_t>(call.attr<AxesAttr>().axes[0]);
  const Strides strides = strides_of(call.out[0].shape());
  int64_t start = 0;
  for (const Array& part : call.in) {
    copy_block(part.shape(), part, 0, strides_of(part.shape()), call.out[0], start, strides);
    start += part.shape()[static_cast<int>(axis)] * strides[axis];
  }
}

void slice(const Call& call) {
  const Strides strides = strides_of(call.in[0].shape());
  const Shape& shape = call.out[0].shape();
  copy_block(shape, call.in[0], offset_of(call.attr<RangeAttr>().lo, strides), strides, call.out[0], 0,
             strides_of(shape));
}

void pad(const Call& call) {
  const Strides strides = strides_of(call.out[0].shape());
  std::ranges::fill(call.out[0].bytes(), std::byte{0});
  const Shape& shape = call.in[0].shape();
  copy_block(shape, call.in[0], 0, strides_of(shape), call.out[0],
             offset_of(call.attr<RangeAttr>().lo, strides), strides);
}

void reduce(const Call& call) {
  const Array &x = call.in[0], &y = call.out[0];
  const bool sum = call.node.op == Op::reduce_sum;
  for (int64_t i = 0; i < y.numel(); ++i) y.set(i, sum ? 0 : -std::numeric_limits<double>::infinity());
  walk<1>(x.shape(), {broadcast_strides(y.shape(), x.shape())}, [&](int64_t i, const auto& at) {
    const double value = x.get(i), so_far = y.get(at[0]);
    y.set(at[0], sum ? so_far + value : value > so_far || std::isnan(value) ? value : so_far);
  });
}

}  // namespace agon::reference
