#include "cuda/simt/device/arch.h"

#include <algorithm>
#include <array>

#include "agon/error.h"

namespace agon::simt {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

constexpr std::array<Arch, 5> archs{{
    {"sm_80", "A100-SXM4-80GB", 80, 108, 80 * gib, 167936, 166912, 2048, 32, 64, 1024, 1410000, 1593000, 5120,
     40u << 20},
    {"sm_86", "A10", 86, 72, 24 * gib, 102400, 101376, 1536, 16, 128, 512, 1695000, 6251000, 384, 6u << 20},
    {"sm_89", "L40S", 89, 142, 48 * gib, 102400, 101376, 1536, 24, 128, 512, 2520000, 9001000, 384,
     96u << 20},
    {"sm_90", "H100 80GB HBM3", 90, 132, 80 * gib, 233472, 232448, 2048, 32, 128, 2048, 1980000, 2619000,
     5120, 50u << 20},
    {"sm_100", "B200", 100, 148, 180 * gib, 233472, 232448, 2048, 32, 128, 4096, 1965000, 3996000, 8192,
     126u << 20},
}};

constexpr int round_up(int value, int step) {
  return (value + step - 1) / step * step;
}

}  // namespace

const Arch& find_arch(std::string_view name) {
  std::string known;
  for (const Arch& arch : archs) {
    if (arch.name == name) return arch;
    known += known.empty() ? "" : ", ";
    known += arch.name;
  }
  fail(ErrorKind::usage, "the simulated device cannot be '{}'; it can be one of {}", name, known);
}

int occupancy(const Arch& arch, int registers, std::uint32_t shared, int threads) {
  if (threads <= 0 || threads > threads_per_block || shared > arch.shared_per_block_optin) return 0;
  const int warps = (threads + warp_size - 1) / warp_size;
  // Registers are given to a warp in units of 256, shared memory to a block in units of 128 bytes.
  const int warp_registers = round_up(std::max(registers, 1) * warp_size, 256);
  if (warp_registers * warps > registers_per_sm) return 0;
  // Each of the four partitions of a multiprocessor has a quarter of the registers.
  const int warps_by_registers = registers_per_sm / 4 / warp_registers * 4;
  const int by_threads = arch.threads_per_sm / (warps * warp_size);
  const int by_registers = warps_by_registers / warps;
  const int block_shared = round_up(static_cast<int>(shared), 128) + static_cast<int>(shared_reserved);
  const int by_shared = static_cast<int>(arch.shared_per_sm) / block_shared;
  return std::min({arch.blocks_per_sm, by_threads, by_registers, by_shared});
}

}  // namespace agon::simt
