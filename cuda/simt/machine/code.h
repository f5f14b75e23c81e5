// A kernel as the machine runs it: its instructions as steps, with an enter step before each basic block and
// a guard step before each guarded instruction, and what each basic block counts for.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "cuda/simt/count/counters.h"
#include "cuda/simt/machine/warp.h"

namespace agon::simt {

// What executing an instruction once by one lane, or by a warp, adds to the counters.
struct Cost {
  std::uint32_t fma_fp32 = 0, flops_fp32 = 0, fma_fp64 = 0, fma_half = 0;  // a lane
  std::uint32_t mac_tensor = 0, barriers = 0, slots = 0;                   // a warp
};

// Counts of a straight line of instructions: times what Worker has tallied they give the Counters.
struct BasicBlock {
  std::array<std::uint32_t, instruction_kinds> instructions{};
  std::uint32_t count = 0;      // instructions
  std::uint32_t unguarded = 0;  // of them without a guard
  Cost cost;                    // lanes' parts: of the unguarded ones
};

struct Code {
  explicit Code(const Kernel& kernel);

  const Kernel& kernel;
  std::vector<Step> steps;
  std::vector<std::uint32_t> lists;
  std::vector<BasicBlock> blocks;
  std::vector<Cost> guards;        // by guard step: the guarded instruction's cost
  std::uint32_t accesses = 0;      // steps that access memory
  std::uint32_t constants_at = 0;  // offset of the constants behind the registers
  std::uint32_t register_bytes = 0;
  std::vector<std::uint32_t> enter;  // by instruction that leads a basic block: its enter step
  std::uint32_t unknown_pc = 0;      // the first of them
  std::vector<std::string> unknown;  // instructions without a handler
};

// The kernel's code, made when first asked for.
std::shared_ptr<const Code> code_of(const Kernel& kernel);

}  // namespace agon::simt
