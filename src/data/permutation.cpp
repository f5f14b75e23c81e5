#include "data/permutation.h"

#include <algorithm>
#include <bit>

#include "agon/philox.h"

#include "data/streams.h"

namespace agon {

Permutation::Permutation(uint64_t size, uint64_t seed, uint64_t epoch)
    : size_(size),
      seed_(seed),
      epoch_(epoch),
      half_bits_(std::max(1, (static_cast<int>(std::bit_width(size - 1)) + 1) / 2)) {}

uint64_t Permutation::encipher(uint64_t value) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t left = value >> half_bits_, right = value & mask;
  for (uint32_t round = 0; round < 8; ++round) {
    const std::array<uint32_t, 2> key{static_cast<uint32_t>(seed_),
                                      static_cast<uint32_t>(seed_ >> 32) ^ round};
    const Philox4 words = philox4x32({static_cast<uint32_t>(right), static_cast<uint32_t>(epoch_),
                                      static_cast<uint32_t>(epoch_ >> 32), data_streams::shuffle},
                                     key);
    const uint64_t mixed = left ^ (words[0] & mask);
    left = right;
    right = mixed;
  }
  return left << half_bits_ | right;
}

uint64_t Permutation::operator()(uint64_t index) const {
  do index = encipher(index);
  while (index >= size_);
  return index;
}

}  // namespace agon
