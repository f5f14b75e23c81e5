#pragma once
#include "cuda/kernels/device.cuh"
#include "cuda/kernels/elementwise.h"

/// What the elementwise kernels get: the program over merged axes, with its temporaries placed.
namespace agon::cuda {

/// How an operand is read for the elements i .. i + 3 (or i alone in the scalar kernel).
enum class Access : int32_t {
  uniform,  ///< one value for all elements, read before the loop
  dense,    ///< at i
  row,      ///< at an offset by i, neighbours side by side
  splat,    ///< at an offset by i, the same for all four
};

/// Slots are places for one operand or temporary of every thread of a block.
struct PlannedInput {
  const void* data;
  float value;
  DType dtype;
  Access access;
  int32_t slot;
  int32_t strides[max_rank];
};
struct PlannedOutput {
  void* data;
  float scale;
  DType dtype;
  int32_t slot;
  int32_t sum;  ///< index among the summed results, or -1
};
struct PlannedInstruction {
  uint8_t op, activation, to, a, b, c;
  float p, q;  ///< alpha, or clamp's limits
};

struct ElementwisePlan {
  uint32_t groups;  ///< vectors of `width` elements
  int32_t width, rank, inputs, outputs, sums, code, slots;
  Divider extents[max_rank];  ///< of the merged axes, outermost first, counted in elements
  PlannedInput input[elementwise_max_operands];
  PlannedOutput output[elementwise_max_operands];
  PlannedInstruction instruction[elementwise_max_code];
};

constexpr int elementwise_threads = 128;
/// Blocks of a program with sums, at most: the partial sums of each are merged by the last block.
constexpr int elementwise_sum_blocks = 512;

/// Plans `args`; false outside of the limits. `width` is 4 where every access allows it and `scalar` is not
/// asked for.
bool plan_elementwise(const ElementwiseArgs& args, bool scalar, ElementwisePlan& plan);

/// The compiled instance (0 .. direct_count() - 1) that computes `plan`, or -1.
int direct_instance(const ElementwisePlan& plan);
int direct_count();
const Instance& direct_name(int instance);
cudaError_t launch_direct(int instance, const ElementwisePlan& plan, cudaStream_t stream);

}  // namespace agon::cuda
