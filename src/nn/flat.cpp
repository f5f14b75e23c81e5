#include "nn/flat.h"

#include <algorithm>

#include "agon/error.h"

namespace agon::nn {

void FlatLayout::add(const Network& network) {
  for (const Parameter& parameter : network.parameters()) {
    items_.push_back({network.name(), parameter, size_});
    size_ += (parameter.shape.numel() + alignment - 1) / alignment * alignment;
  }
}

Value FlatLayout::view(Value flat, size_t i) const {
  const Item& item = items_[i];
  return agon::reshape(slice(flat, 0, item.offset, item.offset + item.parameter.shape.numel()),
                       item.parameter.shape);
}

Value FlatLayout::pack(std::span<const Value> parts) const {
  check(parts.size() == items_.size() && !parts.empty(), ErrorKind::internal,
        "pack: {} parts for {} parameters", parts.size(), items_.size());
  Graph& graph = parts[0].graph();
  std::vector<Value> pieces;
  int64_t at = 0;
  const auto fill_to = [&](int64_t end) {
    if (at < end) pieces.push_back(graph.constant(0, {end - at}));
    at = end;
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    fill_to(items_[i].offset);
    const int64_t count = items_[i].parameter.shape.numel();
    pieces.push_back(agon::reshape(parts[i], {count}));
    at += count;
  }
  fill_to(size_);
  return concat(std::move(pieces), 0);
}

namespace {

/// Calls move(i, j) for element i of `view` (row-major) that is element j of its transposition.
template <class Move>
void for_transposed(const Shape& view, const std::vector<int>& permutation, Move move) {
  const auto rank = static_cast<size_t>(view.rank());
  std::vector<int64_t> stride(rank, 1), extent(rank), step(rank), index(rank, 0);
  for (size_t i = rank; i-- > 1;) stride[i - 1] = stride[i] * view[static_cast<int>(i)];
  for (size_t i = 0; i < rank; ++i) {
    extent[i] = view[permutation[i]];
    step[i] = stride[static_cast<size_t>(permutation[i])];
  }
  int64_t from = 0;
  for (int64_t to = 0; to < view.numel(); ++to) {
    move(static_cast<size_t>(from), static_cast<size_t>(to));
    for (size_t axis = rank; axis-- > 0;) {
      from += step[axis];
      if (++index[axis] < extent[axis]) break;
      from -= step[axis] * extent[axis];
      index[axis] = 0;
    }
  }
}

template <class T>
Tensor convert(const Parameter& p, const Tensor& tensor, bool to_disk) {
  Tensor result(tensor.dtype(), to_disk ? p.disk : p.shape);
  const auto source = tensor.as<T>(), target = result.as<T>();
  for_transposed(p.view, p.permutation, [&](size_t native, size_t disk) {
    if (to_disk)
      target[disk] = source[native];
    else
      target[native] = source[disk];
  });
  return result;
}

Tensor dispatch(const Parameter& p, const Tensor& tensor, bool to_disk) {
  check(tensor.numel() == p.shape.numel(), ErrorKind::data, "tensor '{}' is {}, the network wants {}", p.name,
        tensor.shape().str(), (to_disk ? p.shape : p.disk).str());
  return tensor.dtype() == DType::f64 ? convert<double>(p, tensor, to_disk)
                                      : convert<float>(p, tensor, to_disk);
}

}  // namespace

Tensor to_disk(const Parameter& parameter, const Tensor& tensor) {
  return dispatch(parameter, tensor, true);
}
Tensor from_disk(const Parameter& parameter, const Tensor& tensor) {
  return dispatch(parameter, tensor, false);
}

}  // namespace agon::nn
