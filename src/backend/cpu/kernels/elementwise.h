#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "agon/graph.h"

namespace agon::cpu {

/// Strides in elements by axis of an iteration space, outermost first; 0 repeats the operand along an axis.
using Strides = std::array<int64_t, Shape::max_rank>;

/// Strides of a row-major array of exactly `shape`.
Strides row_major(const Shape& shape);
/// Strides with which a row-major `operand` is read over `space` by NumPy broadcasting.
Strides broadcast_strides(const Shape& operand, const Shape& space);

/// A fused chain of elementwise ops over f32 arrays, interpreted tile by tile so that temporaries stay in the
/// first cache. Contiguous operands are read and written in place; others pass through a tile.
class ElementwiseKernel {
 public:
  static constexpr int max_inputs = 64;
  static constexpr int max_outputs = 64;
  /// Tiles for temporaries, broadcast inputs and strided outputs that can be alive at once.
  static constexpr int max_tiles = 256;

  /// `extents`: up to six. `inputs` and `outputs`: one Strides per operand of the program, in its order (the
  /// number of inputs is inputs.size()); an output must not have stride 0 along an axis longer than 1.
  /// Throws Error(unsupported) when the chain exceeds the limits above: fuse less.
  ElementwiseKernel(const ElementwiseProgram& program, const Shape& extents, std::span<const Strides> inputs,
                    std::span<const Strides> outputs);

  /// An output may be the same array as an input of equal strides; otherwise arrays must not overlap.
  /// Allocates nothing. The result does not depend on the number of threads.
  void run(const float* const* inputs, float* const* outputs) const;
};

}  // namespace agon::cpu
