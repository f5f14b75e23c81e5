// The machine that runs a decoded kernel: blocks on host threads, each a set of warps of 32 lanes that a
// seeded scheduler interleaves. Nothing here knows of streams or of the runtime's API.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "cuda/simt/count/counters.h"

namespace agon::simt {

struct Kernel;
struct Module;
struct Report;
class Memory;

struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

// One launch. Its shape is taken to be within the device's limits: the caller has checked that.
struct Launch {
  const Module* module = nullptr;  // what `kernel` is a part of: its functions, globals and constants
  const Kernel* kernel = nullptr;
  Dim3 grid, block;
  std::uint32_t dynamic_shared = 0;   // bytes behind the kernel's static shared memory
  std::span<const std::byte> params;  // laid out as the kernel's .param space
  std::uint64_t seed = 0;             // order of warps and blocks, interleaving
  std::uint64_t approximation = 0;    // errors of approximate functions: a device errs alike in all launches
  std::uint32_t operation = 0;  // what Memory knows this launch by when it asks what happened before what
  bool cooperative = false;     // all blocks resident at once
};

struct Options {
  bool checks = true;    // races, unwritten and foreign memory, barriers; without: only what stops a launch
  bool counters = true;  // Counters; without: an empty one
  int threads = 1;  // host threads that run blocks; the results of a kernel without races do not depend on it
  // A group of blocks that has run this many instructions of warps is taken for hung: a report. 0: never.
  std::uint64_t instruction_limit = 20'000'000'000ull;
  std::uint32_t sm_count = 108;                 // %nsmid
  std::function<void(std::string_view)> print;  // a kernel's printf; empty: to stdout
};

struct LaunchResult {
  bool completed = true;  // false: a fault stopped the launch (trap, bad address, unknown instruction, hang)
  std::vector<Report> reports;  // empty: nothing to say
  Counters counters;
};

// Runs the launch to its end. Faults of the kernel come back as reports; throws only agon::Error on misuse.
// Several threads may call it at once on the same Memory.
LaunchResult run(const Launch& launch, Memory& memory, const Options& options);

}  // namespace agon::simt
