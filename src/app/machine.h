#pragma once
#include <cstdint>
#include <string>

namespace agon::app {

/// What the machine offers, as far as the CPU side cares.
struct Machine {
  std::string processor;     ///< "Intel(R) Xeon(R) Processor"
  int cores = 0;             ///< that this process may use
  uint64_t memory = 0;       ///< bytes
  uint64_t memory_free = 0;  ///< bytes that can be had without swapping
  std::string system;        ///< "Linux 6.1.0 x86_64"
  std::string instructions;  ///< "avx2 avx512f avx512_bf16"
};
Machine this_machine();

/// "Intel(R) Xeon(R) Processor, 2 cores, 25.2 GB".
std::string describe(const Machine& machine);

/// The largest resident size of this process so far, in bytes.
uint64_t peak_resident_bytes();

}  // namespace agon::app
