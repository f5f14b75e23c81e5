// How the lanes of one memory access lie to each other, kept from one execution of the instruction to the
// next: mostly only the base has moved, and what follows from the distances need not be worked out again.
#pragma once

#include <cstdint>

namespace agon::simt {

struct alignas(64) AccessPattern {
  enum class Shape : std::uint8_t { none, uniform, contiguous, other };
  std::uint32_t distance[32];  // from the first lane's address, modulo 2^32
  std::uint32_t lanes = 0;     // it was worked out for
  std::uint32_t phase = 0;     // the base address modulo 32
  Shape shape = Shape::none;
  std::uint32_t sectors = 0;     // global: 32-byte sectors
  std::uint32_t bytes = 0;       // distinct
  std::uint32_t wavefronts = 0;  // shared: passes over the banks
  std::uint32_t ideal = 0;
  std::uint32_t runs = 0;  // stretches of bytes touched, as first byte (from the base) and length
  std::int64_t run_first[32];
  std::uint32_t run_bytes[32];
};

// Works out sectors, bytes and runs of an access of `size` bytes a lane; at least one lane is on.
void analyse_global(AccessPattern& pattern, const std::uint64_t* addresses, std::uint32_t lanes,
                    std::uint32_t size);
// The same, unless the lanes lie to each other as they did the last time.
void update_global(AccessPattern& pattern, const std::uint64_t* addresses, std::uint32_t lanes,
                   std::uint32_t size);
// Wavefronts and their least number, of shared memory's 32 banks of 4 bytes.
void analyse_shared(AccessPattern& pattern, const std::uint32_t* offsets, std::uint32_t lanes,
                    std::uint32_t size);

void update_shared(AccessPattern& pattern, const std::uint32_t* offsets, std::uint32_t lanes,
                   std::uint32_t size);

}  // namespace agon::simt
