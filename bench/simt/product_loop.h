// The loop that matrix products spend their time in, as PTX: tiles of A and B in shared memory, 8 x 8 sums a
// thread.
#pragma once

#include <string>

namespace agon::bench {

// Blocks of 256 threads, each of which runs `steps` times over tiles of depth 8 that it has filled once:
// kernel `product(out)` with 128 * 128 floats a block. 256 threads * 64 * 8 fma each step.
std::string product_loop(int steps);
constexpr double fma_per_block_step = 256.0 * 64 * 8;

// The same with mma.m16n8k16 of bf16 on registers: 8 warps, 32 mma each step.
std::string mma_loop(int steps);
constexpr double mac_per_block_step = 8.0 * 32 * 16 * 8 * 16;

}  // namespace agon::bench
