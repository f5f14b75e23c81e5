#pragma once
#include <span>

#include "agon/graph.h"

#include "backend/cpu/kernels/elementwise_plan.h"
#include "backend/cpu/kernels/strides.h"

namespace agon::cpu {

/// A fused chain of elementwise ops over f32 arrays, interpreted tile by tile so that temporaries stay in the
/// first cache. Contiguous operands are read and written in place; others pass through a tile.
class ElementwiseKernel {
 public:
  /// `extents`: up to six. `inputs` and `outputs`: one Strides per operand of the program, in its order (the
  /// number of inputs is inputs.size()); an output must not have stride 0 along an axis longer than 1.
  /// Throws Error(unsupported) when the chain exceeds ElementwisePlan's limits: fuse less.
  ElementwiseKernel(const ElementwiseProgram& program, const Shape& extents, std::span<const Strides> inputs,
                    std::span<const Strides> outputs)
      : plan_(plan_elementwise(program, extents, inputs, outputs)) {}

  /// An output may be the same array as an input of equal strides; otherwise arrays must not overlap.
  /// Allocates nothing. The result does not depend on the number of threads.
  void run(const float* const* inputs, float* const* outputs) const;

 private:
  void run_tiles(const float* const* inputs, float* const* outputs, int64_t begin, int64_t end) const;

  ElementwisePlan plan_;
};

}  // namespace agon::cpu
