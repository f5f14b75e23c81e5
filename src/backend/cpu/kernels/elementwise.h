#pragma once
#include <span>

#include "agon/graph.h"

#include "backend/cpu/kernels/elementwise_plan.h"
#include "backend/cpu/kernels/strides.h"

namespace agon::cpu {

/// A fused chain of elementwise ops over f32 and bf16 arrays, interpreted tile by tile so that temporaries
/// stay in the first cache. Contiguous f32 operands are read and written in place; others pass through a
/// tile.
class ElementwiseKernel {
 public:
  /// `extents`: up to six. `inputs` and `outputs`: one per operand of the program, in its order (the
  /// number of inputs is inputs.size()); an output must not have stride 0 along an axis longer than 1.
  /// Throws Error(unsupported) when the chain exceeds ElementwisePlan's limits: fuse less.
  ElementwiseKernel(const ElementwiseProgram& program, const Shape& extents,
                    std::span<const ElementwiseOperand> inputs, std::span<const ElementwiseOperand> outputs)
      : plan_(plan_elementwise(program, extents, inputs, outputs)) {}

  /// Arrays of float or bf16, as declared. An output may be the same array as an input of equal strides and
  /// type; otherwise arrays must not overlap.
  /// Allocates nothing. The result does not depend on the number of threads.
  void run(const void* const* inputs, void* const* outputs) const;

 private:
  void run_tiles(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end) const;

  ElementwisePlan plan_;
};

}  // namespace agon::cpu
