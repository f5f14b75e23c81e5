#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "cuda/simt/program.h"

namespace agon::simt::ptx {

/// Basic blocks of a kernel's instructions. Block i runs from starts[i] to starts[i + 1] (the last entry of
/// `starts` is the number of instructions).
struct FlowGraph {
  std::vector<uint32_t> starts;
  std::vector<std::vector<uint32_t>> successors;  ///< blocks; leaving the kernel is no successor
  std::vector<bool> exits;                        ///< blocks from which the kernel can be left
  uint32_t size() const { return static_cast<uint32_t>(successors.size()); }
};

FlowGraph flow_graph(std::span<const Instruction> instructions, std::span<const int32_t> operands);

/// Immediate post-dominators: the first block that every path from a block passes behind it, or graph.size()
/// where that is only the exit (or where no path leaves).
std::vector<uint32_t> post_dominators(const FlowGraph& graph);

}  // namespace agon::simt::ptx
