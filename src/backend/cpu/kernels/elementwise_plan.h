#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "agon/graph.h"

#include "backend/cpu/kernels/pass_ops.h"
#include "backend/cpu/kernels/strides.h"

namespace agon::cpu {

/// One input or output of an elementwise kernel: where it lies, and whether it is bf16 in place of f32.
struct ElementwiseOperand {
  Strides strides{};
  bool narrow = false;
};

/// How an elementwise chain is run: its iteration space cut into blocks (the trailing axes), blocks into
/// tiles, and the instructions with every operand resolved to a slot. Slots are the inputs, then the outputs,
/// then scratch tiles.
struct ElementwisePlan {
  static constexpr int max_operands = 128;  ///< inputs and outputs together
  static constexpr int max_tiles = 256;     ///< scratch tiles
  /// Elements of all scratch tiles: 32 KiB, within the L1 cache.
  static constexpr int64_t scratch_size = 8192;

  struct Step {
    ElementwiseProgram::Instruction instruction;
    PassOp pass;           ///< computes the instruction and those that it consumes, unless null
    int y;                 ///< slot of the result
    std::array<int, 4> x;  ///< slots of the operands; absent ones repeat the first
  };
  /// An input that is not contiguous within a block, or bf16, and the tile that stands in for it.
  struct Load {
    int operand = 0, tile = 0;
    int64_t period = 0;  ///< after how many points of a block the values repeat
  };
  /// An output that is not contiguous within a block, or bf16, and the slot that holds its values.
  struct Store {
    int operand = 0, slot = 0;
  };

  int inputs = 0, outputs = 0, tiles = 0;
  LoopNest nest;
  std::vector<bool> narrow;  ///< by operand: bf16
  int block_axis = 0;        ///< the axes from here on form a block, its points numbered row-major
  int64_t block_size = 1;    ///< points of a block
  int64_t blocks = 1;
  int64_t tile_size = 1;  ///< points computed at a time, within a block
  /// A chain over arrays beyond the cache: fetch a tile while the one before is computed.
  bool prefetch = false;
  std::vector<Load> loads;
  std::vector<Store> stores;
  std::vector<Step> steps;

  int tile_slot(int tile) const { return inputs + outputs + tile; }
};

/// Throws Error(unsupported) when the chain exceeds the plan's limits.
ElementwisePlan plan_elementwise(const ElementwiseProgram& program, const Shape& extents,
                                 std::span<const ElementwiseOperand> inputs,
                                 std::span<const ElementwiseOperand> outputs);

}  // namespace agon::cpu
