#pragma once
#include <algorithm>
#include <initializer_list>
#include <type_traits>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/lowering.h"

/// How norms, whose kernels take all large operands as one type K = float or bf16, read and write others.
namespace agon::cpu {

/// A result of type T that the kernel makes as a K, in scratch memory where they differ.
template <class K>
class Result {
 public:
  Result(Lowering& l, int value, Ref place)
      : place_(place), n_(l.info(value).shape.numel()), differs_(l.info(value).dtype != type_of(K{})) {
    made_ = differs_ ? l.scratch(static_cast<size_t>(n_) * sizeof(K)) : place_;
  }
  K* at(const Frame& m) const { return m.at<K>(made_); }
  void finish(const Frame& m) const {
    if constexpr (std::is_same_v<K, float>)
      if (differs_) convert(m.at(made_), n_, m.at<bf16>(place_));
  }

 private:
  static DType type_of(float) { return DType::f32; }
  static DType type_of(bf16) { return DType::bf16; }
  Ref place_, made_;
  int64_t n_;
  bool differs_;
};

/// Where an operand of a kernel for K lies.
template <class K>
Ref operand(Lowering& l, int value, Layout layout) {
  return std::is_same_v<K, float> && l.info(value).dtype == DType::bf16 ? l.get_wide(value)
                                                                        : l.get(value, layout);
}

inline bool all_bf16(const Lowering& l, std::initializer_list<int> values) {
  return std::ranges::all_of(values, [&](int id) { return l.info(id).dtype == DType::bf16; });
}

}  // namespace agon::cpu
