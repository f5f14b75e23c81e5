#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace agon {

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
/// a keyed bijection of 128-bit counters, so any element of any stream is had without state.
/// Agon's counter is {element / 4, step low, step high, stream}; see `philox_at`.
using Philox4 = std::array<uint32_t, 4>;

inline Philox4 philox4x32(Philox4 counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The block of four words that holds elements 4*block .. 4*block+3 of `stream` at `step`.
inline Philox4 philox_at(uint64_t seed, uint64_t step, uint32_t stream, uint32_t block) {
  return philox4x32({block, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32), stream},
                    {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

/// Uniform in [0, 1) with 24 bits: exact in float, hence equal on every backend.
inline float philox_uniform(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

/// Element `lane` (0 to 3) of a block as a standard normal (Box and Muller): words 0 and 1 give the elements
/// 0 (cosine) and 1 (sine), words 2 and 3 the elements 2 and 3. The radius comes from 24 bits, exact in
/// float and in (0, 1], so that float arithmetic errs little near 1 too; backends may err by that.
///
/// The random leaves of a graph, on every backend: element e of stream s at step t under `seed` is had from
/// words = philox_at(seed, t, s, e / 4), where e counts row-major over the whole (global) tensor:
///   random_uniform    philox_uniform(words[e % 4])
///   random_bernoulli  1 if double(philox_uniform(words[e % 4])) < p, else 0
///   random_normal     philox_normal(words, e % 4)
inline double philox_normal(const Philox4& words, int lane) {
  const auto pair = static_cast<size_t>(lane & 2);
  const double u = (static_cast<double>(words[pair] >> 8) + 1) * 0x1p-24;  // in (0, 1]
  const double angle = static_cast<double>(words[pair + 1] >> 8) * (0x1p-23 * 3.14159265358979323846);
  const double radius = std::sqrt(-2 * std::log(u));
  return (lane & 1) != 0 ? radius * std::sin(angle) : radius * std::cos(angle);
}

/// A sequential reader of one Philox stream, for host code that draws one number after another.
class PhiloxStream {
 public:
  PhiloxStream(uint64_t seed, uint64_t step, uint32_t stream) : seed_(seed), step_(step), stream_(stream) {}

  uint32_t next() {
    if (used_ == 4) {
      words_ = philox_at(seed_, step_, stream_, block_++);
      used_ = 0;
    }
    return words_[static_cast<size_t>(used_++)];
  }
  /// In [0, 1).
  float uniform() { return philox_uniform(next()); }
  /// In [0, bound), bound >= 1, by multiplication (bias below 2^-32 * bound).
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((uint64_t{next()} * bound) >> 32); }

 private:
  uint64_t seed_, step_;
  uint32_t stream_, block_ = 0;
  Philox4 words_{};
  int used_ = 4;
};

}  // namespace agon
