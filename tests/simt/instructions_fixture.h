// Runs a few lines of PTX over a warp: each thread has its own operands and gives its own results.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "cuda/simt/check/memory.h"
#include "cuda/simt/machine/machine.h"
#include "cuda/simt/program.h"

namespace agon::simt::instruction_test {

struct Shape {
  std::uint32_t threads = 32;
  std::uint32_t blocks = 1;
  std::uint64_t seed = 1;
  bool checks = true;
  int host_threads = 1;
  bool cooperative = false;
};

struct Outcome {
  std::vector<std::uint64_t> out;  // by thread
  LaunchResult result;
};

// The whole text of a kernel `test(in, out)` around `body`. The body finds its thread's three operands of 64
// bits as %a0, %a1, %a2 (.b64; %x0.. the low 32 bits, .b32; %f0.. and %g0.. the same as .f32 and .f64; %h0..
// 16 bits) and leaves its result in %r (.b64). `declarations` stand before it.
std::string kernel_text(const std::string& body, const std::string& declarations = "");

// Runs it: in[3 * thread + k].
Outcome run_body(const std::string& body, const std::vector<std::uint64_t>& in, const Shape& shape = {},
                 const std::string& declarations = "");

// Gives the module's variables their places in `memory` and their initial values.
void place(Module& module, Memory& memory);

// Runs the kernel `name` of any text over buffers of bytes that are copied in and back: its parameters are
// their addresses.
LaunchResult run_text(const std::string& text, const std::string& name,
                      std::vector<std::vector<std::uint8_t>>& buffers, const Shape& shape = {},
                      std::uint32_t dynamic_shared = 0);

inline std::uint64_t bits(float a) {
  return std::bit_cast<std::uint32_t>(a);
}
inline std::uint64_t bits(double a) {
  return std::bit_cast<std::uint64_t>(a);
}
inline float as_float(std::uint64_t a) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(a));
}
inline double as_double(std::uint64_t a) {
  return std::bit_cast<double>(a);
}

// 32 threads' operands by chance: bit patterns with many edges among them.
std::vector<std::uint64_t> edge_operands(std::uint64_t seed, int threads = 32);
// The same of finite floats of many magnitudes (f32 in the low half where `single`).
std::vector<std::uint64_t> float_operands(std::uint64_t seed, bool single, int threads = 32);

// What the reports say, a line each.
std::string texts(const LaunchResult& result);

}  // namespace agon::simt::instruction_test
