#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agon/network.h"
#include "agon/tensor.h"

namespace agon::nn {

/// Where the parameters of a player lie in its one flat buffer. Every parameter begins at a multiple of 16
/// elements (a cache line in f32); the gaps hold zeros, which every optimizer keeps.
class FlatLayout {
 public:
  struct Item {
    std::string network;
    Parameter parameter;
    int64_t offset = 0;
  };

  static constexpr int64_t alignment = 16;

  void add(const Network& network);

  const std::vector<Item>& items() const { return items_; }
  /// Elements of the buffer; a multiple of the alignment.
  int64_t size() const { return size_; }

  /// Item i as a view of the buffer.
  Value view(Value flat, size_t i) const;
  /// Joins one value per item (of the item's shape) to a buffer, zeros in the gaps.
  Value pack(std::span<const Value> parts) const;

 private:
  std::vector<Item> items_;
  int64_t size_ = 0;
};

/// `tensor` (f32 or f64, any shape of the parameter's size) as the parameter lies on disk.
Tensor to_disk(const Parameter& parameter, const Tensor& tensor);
/// The inverse; the result has the parameter's graph shape.
Tensor from_disk(const Parameter& parameter, const Tensor& tensor);

}  // namespace agon::nn
