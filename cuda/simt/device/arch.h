// The chips that the simulated device may stand for: their limits, and the rates that simulated times come
// from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace agon::simt {

struct Arch {
  std::string_view name;  // "sm_80"
  std::string_view chip;
  int number;  // 10 * major + minor
  int sm_count;
  std::uint64_t memory;  // bytes of the real chip
  std::uint32_t shared_per_sm;
  std::uint32_t shared_per_block_optin;  // what a kernel may ask for by its attribute; 48 KiB without
  int threads_per_sm;
  int blocks_per_sm;
  int fp32_per_sm;    // fp32 lanes: fma a clock
  int tensor_per_sm;  // bf16 multiply-adds of the tensor cores a clock
  int clock_khz;
  int memory_clock_khz;
  int bus_bits;
  std::uint32_t l2_bytes;

  int major() const { return number / 10; }
  int minor() const { return number % 10; }
  double bandwidth() const { return 2.0 * memory_clock_khz * 1e3 * bus_bits / 8; }  // bytes a second
};

// Throws agon::Error(usage) with the names there are.
const Arch& find_arch(std::string_view name);

constexpr std::uint32_t shared_per_block = 48 * 1024;  // without opt-in, on every chip
constexpr std::uint32_t shared_reserved = 1024;        // per block, for the system
constexpr int registers_per_sm = 65536;
constexpr int threads_per_block = 1024;
constexpr int warp_size = 32;

// Blocks that one multiprocessor holds at once; 0: such a block does not fit at all.
int occupancy(const Arch& arch, int registers, std::uint32_t shared, int threads);

}  // namespace agon::simt
