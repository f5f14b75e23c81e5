#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// Elementwise programs: one launch computes up to 48 instructions over broadcast operands and writes any
/// number of results, each of full size or summed over all elements (a loss and its gradient in one pass).
///
/// Fewest bytes: every operand once (a broadcast one counts its own elements) and every result once. One flop
/// an instruction and element. Programs of one common instruction over dense operands of one shape run as
/// compiled instances; all others are interpreted, four elements a thread where alignment allows, with the
/// temporaries in shared memory.
/// Launch: 128 threads a block, up to 4096 blocks (512 with sums) that walk on by the grid; compiled
/// instances have 256 threads with two vectors each. Limits: 16 operands and results together; results may
/// lie over operands of the same shape and dtype.
namespace agon::cuda {

/// The same ops, in the same order, as agon::Op::neg .. agon::Op::cast.
enum class ElementwiseOp : int32_t {
  neg,
  abs,
  sign,
  exp,
  log,
  sqrt,
  rsqrt,
  softplus,
  clamp,
  activation,
  activation_grad,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  greater,
  greater_equal,
  equal,
  where,
  cast,
};

constexpr int elementwise_max_operands = 16;  ///< inputs and outputs together
constexpr int elementwise_max_code = 48;

/// Read with NumPy broadcasting: `strides` in elements over the program's extents, 0 along broadcast axes.
/// A constant has no memory: data is null and `value` holds it.
struct ElementwiseInput {
  const void* data = nullptr;
  DType dtype = DType::f32;
  float value = 0;
  int64_t strides[max_rank] = {};
};

/// Dense over the program's extents. Casts to i32 round to nearest and saturate.
/// With `sum` the result is one f32: scale times the sum over all elements, added in a fixed order.
struct ElementwiseOutput {
  void* data = nullptr;
  DType dtype = DType::f32;
  int temporary = 0;  ///< the instruction whose result it is
  bool sum = false;
  float scale = 1;
};

/// Computes temporary i (i = its own index) from operands that are inputs (0 .. inputs-1) or earlier
/// temporaries (inputs + j), as agon::ElementwiseProgram.
struct ElementwiseInstruction {
  ElementwiseOp op = ElementwiseOp::add;
  int operands[3] = {-1, -1, -1};
  Activation activation;
  float lo = 0, hi = 0;  ///< clamp
};

struct ElementwiseArgs {
  int rank = 0;  ///< 0: one element
  int64_t extents[max_rank] = {};
  int input_count = 0, output_count = 0, code_count = 0;
  ElementwiseInput inputs[elementwise_max_operands];
  ElementwiseOutput outputs[elementwise_max_operands];
  ElementwiseInstruction code[elementwise_max_code];
  void* workspace = nullptr;  ///< only with summed results
  int instance = -1;
};

size_t elementwise_workspace(const ElementwiseArgs& args);
cudaError_t launch_elementwise(const ElementwiseArgs& args, cudaStream_t stream);
std::span<const Instance> elementwise_instances();
/// The instance that `args` runs as, or -1 if it is outside of the limits (or of the instance it asks for).
int elementwise_instance(const ElementwiseArgs& args);

}  // namespace agon::cuda
