#pragma once
#include <cstdint>

namespace agon {

/// A random permutation of [0, size) without memory: an 8-round Feistel network over the next even power of
/// two, whose round function is Philox keyed by (seed, epoch); results outside of the range are sent through
/// again (cycle walking, Black and Rogaway 2002), fewer than 4 times on average.
class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed, uint64_t epoch);
  uint64_t operator()(uint64_t index) const;

 private:
  uint64_t encipher(uint64_t value) const;

  uint64_t size_, seed_, epoch_;
  int half_bits_;
};

}  // namespace agon
