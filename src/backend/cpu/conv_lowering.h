#pragma once
#include <string>

#include "backend/cpu/lowering.h"

/// What the lowerings of a convolution share: by oneDNN, and by our own kernels.
namespace agon::cpu {

/// The three operands of a convolution by role, whichever of them the op computes.
struct Roles {
  int x, w, y;  ///< values
  ConvPass pass;
};

Roles roles_of(const Node& node);

/// True if an operand of the contraction is bf16. Its activations lie plain: oneDNN's kernels for matrix
/// registers want NHWC, and those for avx512_bf16 are as fast with it.
bool is_narrow(const Graph& graph, const Node& node);

/// Where the operands of a convolution lie; the one that the pass computes is made.
struct Places {
  Ref x, w, y;
};

/// Places x and y in the layouts given; plain weights are placed, other ones come from `weights`.
Places place(Lowering& lowering, const Roles& roles, Layout x, Layout y,
             const dnnl::memory::desc* weights = nullptr, int64_t groups = 1);

/// A step without its functions.
Step step_of(const Lowering& lowering, const Node& node, const Roles& roles, std::string detail);

/// Emits the step of one of our kernels where they are faster than oneDNN; else returns false.
bool lower_conv_by_hand(Lowering& lowering, const Node& node, const Roles& roles);

}  // namespace agon::cpu
