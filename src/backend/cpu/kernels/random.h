#pragma once
#include <cstdint>

namespace agon::cpu {

/// Which numbers: element e of a leaf is made from word e % 4 of philox_at(seed, step, stream, e / 4).
struct RandomKey {
  uint64_t seed = 0, step = 0;
  uint32_t stream = 0;
};

/// In [0, 1): philox_uniform(word), exact.
void random_uniform(const RandomKey& key, float* y, int64_t n);
/// 1 where the uniform number is below p (compared in f64), else 0.
void random_bernoulli(const RandomKey& key, double p, float* y, int64_t n);
/// philox_normal in float arithmetic: within 1e-6 of it.
void random_normal(const RandomKey& key, float* y, int64_t n);

}  // namespace agon::cpu
