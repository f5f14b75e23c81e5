#pragma once
#include "cases/case.h"

namespace agon::cases {

/// A random graph of smooth ops with every kind of sharing and broadcasting between them: what simplification
/// and fusion have to get right without having been written for it.
class RandomGraph {
 public:
  RandomGraph(Case& subject, const Descriptor& d)
      : case_(subject),
        random_(static_cast<uint64_t>(d.integer("seed", 0)), 0, 77),
        nodes_(d.integer("nodes", 12)) {}

  void build() {
    for (const Shape& shape : {Shape{2, 3, 4}, Shape{2, 3, 4}, Shape{3, 1}, Shape{4}, Shape{}})
      values_.push_back(case_.operand(shape));
    for (int64_t i = 0; i < nodes_; ++i) values_.push_back(step());
    // The last values, whose chains are the longest, and one from the middle.
    const size_t n = values_.size();
    for (size_t i : {n - 1, n - 2, n - 3, n / 2}) case_.result(values_[i]);
  }

 private:
  Value any() { return values_[random_.below(static_cast<uint32_t>(values_.size()))]; }
  Value like(Value x) {
    for (int attempt = 0; attempt < 8; ++attempt)
      if (Value y = any(); fits(x.shape(), y.shape())) return y;
    return x;
  }
  /// Broadcasting to at most the larger of the two.
  static bool fits(const Shape& a, const Shape& b) {
    for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i)
      if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
    return true;
  }

  Value step() {
    Value x = any();
    const Shape s = x.shape();
    switch (random_.below(18)) {
      case 0:
        return x + like(x);
      case 1:
        return tanh(x * like(x));
      case 2:
        return x - like(x) * 0.5;
      case 3:
        return x / (square(like(x)) + 1.0);
      case 4:
        return sigmoid(x);
      case 5:
        return tanh(softplus(x) - 1.0);
      case 6:
        return exp(-square(x)) * 1.0;
      case 7:
        return -x;
      case 8:
        return sqrt(square(x) + 0.5);
      case 9:
        return (x * 2.0) * 0.25 + 0.0;
      case 10:
        return reduce_mean(x, s.rank() > 0 ? std::vector<int>{-1} : std::vector<int>{});
      case 11:
        return s.numel() == 24 ? reshape(transpose(x, {2, 0, 1}), {2, 3, 4}) : x * 1.0;
      case 12:
        return fits(s, {2, 3, 4}) && s.rank() <= 3 ? broadcast_to(x, {2, 3, 4}) : x;
      case 13:
        return s.numel() == 24 ? concat({slice(x, 1, 1, 3), slice(any24(), 1, 0, 1)}, 1) : x;
      case 14:
        return x * stop_gradient(like(x));
      case 15:
        return s.numel() == 24 ? reshape(reshape(x, {4, 6}), {2, 3, 4}) : x * x;
      case 16:
        return s.numel() == 24
                   ? reshape(matmul(reshape(x, {6, 4}), reshape(any24(), {4, 6})), {6, 6, 1}) * 0.25
                   : leaky_relu(x, 0.2);
      default:
        return where(case_.fixed({3, 4}, Domain::mask), like24(x), x);
    }
  }
  Value any24() {
    for (int attempt = 0; attempt < 20; ++attempt)
      if (Value y = any(); y.shape() == Shape{2, 3, 4}) return y;
    return values_[0];
  }
  Value like24(Value& x) {
    if (!fits(x.shape(), {3, 4})) x = any24();
    return any24();
  }

  Case& case_;
  PhiloxStream random_;
  int64_t nodes_;
  std::vector<Value> values_;
};

inline Kinds random_kinds() {
  return {{"random", [](Case& c, const Descriptor& d) { RandomGraph(c, d).build(); }}};
}

}  // namespace agon::cases
