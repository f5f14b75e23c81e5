#include "backend/cpu/kernels/optimizers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agon/graph.h"

#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

namespace agon::cpu {
namespace {

// The constants of a rule as its loop uses them, rounded once from double.
struct AdamFactors {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, eps, weight_decay;
  float step;                  ///< lr / correction1
  float inv_root_correction2;  ///< 1 / sqrt(correction2)
};
struct RmspropFactors {
  float alpha, one_minus_alpha, eps, momentum, weight_decay, lr;
};
struct SgdFactors {
  float momentum, weight_decay, lr;
};

float f32(double x) {
  return static_cast<float>(x);
}

}  // namespace
}  // namespace agon::cpu

#define AGON_ISA_FILE "backend/cpu/kernels/optimizers.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 4096;

/// Runs range(begin, end) over all threads and adds the parts' norms in order.
template <class Range>
UpdateNorms sum_of_ranges(int64_t n, const Range& range) {
  std::array<UpdateNorms, most_threads> norms;
  const int parts = parallel_ranges(n, grain, [&](int64_t begin, int64_t end, int part) {
    norms[static_cast<size_t>(part)] = range(begin, end);
  });
  UpdateNorms sum;
  for (size_t part = 0; part < static_cast<size_t>(parts); ++part) {
    sum.grad_square += norms[part].grad_square;
    sum.param_square += norms[part].param_square;
  }
  return sum;
}

}  // namespace

UpdateNorms adam(float* p, const float* g, float* m, float* v, int64_t n, const AdamSettings& s, double lr,
                 double correction1, double correction2) {
  const AdamFactors factors{
      f32(s.beta1), f32(1 - s.beta1),    f32(s.beta2),          f32(1 - s.beta2),
      f32(s.eps),   f32(s.weight_decay), f32(lr / correction1), f32(1 / std::sqrt(correction2))};
  const auto leaf = AGON_BEST(adam_range);
  return sum_of_ranges(n, [&](int64_t begin, int64_t end) { return leaf(p, g, m, v, begin, end, factors); });
}

UpdateNorms rmsprop(float* p, const float* g, float* v, float* buffer, int64_t n, const RmspropSettings& s,
                    double lr) {
  const RmspropFactors factors{f32(s.alpha),    f32(1 - s.alpha),    f32(s.eps),
                               f32(s.momentum), f32(s.weight_decay), f32(lr)};
  const auto leaf = s.momentum != 0 ? AGON_BEST(rmsprop_range<true>) : AGON_BEST(rmsprop_range<false>);
  return sum_of_ranges(
      n, [&](int64_t begin, int64_t end) { return leaf(p, g, v, buffer, begin, end, factors); });
}

UpdateNorms sgd(float* p, const float* g, float* buffer, int64_t n, const SgdSettings& s, double lr) {
  const SgdFactors factors{f32(s.momentum), f32(s.weight_decay), f32(lr)};
  const auto plain = AGON_BEST(sgd_range<false, false>);
  const auto heavy = AGON_BEST(sgd_range<true, false>);
  const auto nesterov = AGON_BEST(sgd_range<true, true>);
  const auto leaf = s.momentum == 0 ? plain : s.nesterov ? nesterov : heavy;
  return sum_of_ranges(n,
                       [&](int64_t begin, int64_t end) { return leaf(p, g, buffer, begin, end, factors); });
}

}  // namespace agon::cpu
