#pragma once
#include <cstdint>

#include "agon/graph.h"

/// Losses and the gradient penalty, one pass over memory each: what is read for the value gives the gradient
/// while it is in the cache. Sums are in double, in a fixed order for a fixed number of threads.
namespace agon::cpu {

/// The definitions are LossAttr's.
struct LossArgs {
  LossAttr loss;
  const float* x = nullptr;         ///< [count], softmax_cross_entropy: [count, classes]
  const float* target = nullptr;    ///< [count]; null: loss.target for all
  const int32_t* labels = nullptr;  ///< [count], softmax_cross_entropy's
  int64_t count = 0, classes = 1;
  float* value = nullptr;  ///< one number; null: not wanted
  float* grad = nullptr;   ///< of x's shape; null: not wanted
};
void loss(const LossArgs& args);

/// The definitions are PenaltyAttr's.
struct GradientPenaltyArgs {
  PenaltyAttr penalty;
  const float* g = nullptr;
  int64_t samples = 0, size = 0;
  float* value = nullptr;  ///< one number; null: not wanted
  float* grad = nullptr;   ///< [samples, size], may be g; null: not wanted
  float* norms = nullptr;  ///< [samples]; null: not wanted
};
void gradient_penalty(const GradientPenaltyArgs& args);

}  // namespace agon::cpu
