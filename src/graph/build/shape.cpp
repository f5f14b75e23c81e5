#include <algorithm>
#include <numeric>

#include "agon/graph.h"

namespace agon {
namespace {

Value reduce(Op op, Value x, std::vector<int> axes) {
  const int rank = x.shape().rank();
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (int& axis : axes)
    if (axis < 0) axis += rank;
  return axes.empty() ? x : x.graph().append(op, {x}, AxesAttr{std::move(axes)});
}

}  // namespace

Value reshape(Value x, Shape shape) {
  return x.shape() == shape ? x : x.graph().append(Op::reshape, {x}, {}, shape);
}
Value transpose(Value x, std::vector<int> permutation) {
  return x.graph().append(Op::transpose, {x}, AxesAttr{std::move(permutation)});
}
Value broadcast_to(Value x, Shape shape) {
  return x.shape() == shape ? x : x.graph().append(Op::broadcast_to, {x}, {}, shape);
}
Value concat(std::vector<Value> parts, int axis) {
  check(!parts.empty(), ErrorKind::usage, "concat: no parts");
  if (parts.size() == 1) return parts[0];
  if (axis < 0) axis += parts[0].shape().rank();
  Graph& graph = parts[0].graph();
  return graph.append(Op::concat, std::move(parts), AxesAttr{{axis}});
}
Value slice(Value x, Shape begin, Shape end) {
  if (end == x.shape() && std::ranges::all_of(begin, [](int64_t b) { return b == 0; })) return x;
  return x.graph().append(Op::slice, {x}, RangeAttr{begin, end});
}
Value slice(Value x, int axis, int64_t begin, int64_t end) {
  Shape lo, hi = x.shape();
  for (int i = 0; i < hi.rank(); ++i) lo.push_back(0);
  lo[axis] = begin;
  hi[axis] = end;
  return slice(x, lo, hi);
}
Value pad(Value x, Shape before, Shape after) {
  return x.graph().append(Op::pad, {x}, RangeAttr{before, after});
}

Value pixel_shuffle(Value x, int64_t factor) {
  const Shape s = x.shape();
  check(s.rank() == 4 && s[3] % (factor * factor) == 0, ErrorKind::usage,
        "pixel_shuffle: {} has no multiple of {} channels", s.str(), factor * factor);
  const int64_t c = s[3] / (factor * factor);
  // The channel index is (c, row, column); N and H stay adjacent and travel as one axis.
  Value split = reshape(x, {s[0] * s[1], s[2], c, factor, factor});
  return reshape(transpose(split, {0, 3, 1, 4, 2}), {s[0], s[1] * factor, s[2] * factor, c});
}

Value reduce_sum(Value x, std::vector<int> axes) {
  return reduce(Op::reduce_sum, x, std::move(axes));
}
Value reduce_max(Value x, std::vector<int> axes) {
  return reduce(Op::reduce_max, x, std::move(axes));
}
Value reduce_mean(Value x, std::vector<int> axes) {
  Value total = reduce_sum(x, std::move(axes));
  return total * (static_cast<double>(total.shape().numel()) / static_cast<double>(x.shape().numel()));
}
Value mean(Value x) {
  return reshape(reduce_mean(x), {});
}
Value sum(Value x) {
  return reshape(reduce_sum(x), {});
}

Value gather(Value table, Value index) {
  return table.graph().append(Op::gather, {table, index});
}
Value scatter_add(Value index, Value values, int64_t rows) {
  return index.graph().append(Op::scatter_add, {index, values}, {}, {rows, values.shape()[1]});
}
Value one_hot(Value index, int64_t depth) {
  Shape shape = index.shape();
  shape.push_back(depth);
  return index.graph().append(Op::one_hot, {index}, {}, shape);
}
Value softmax(Value x) {
  return x.graph().append(Op::softmax, {x});
}
Value log_softmax(Value x) {
  return x.graph().append(Op::log_softmax, {x});
}

}  // namespace agon
