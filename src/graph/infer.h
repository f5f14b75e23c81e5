#pragma once
#include <span>
#include <vector>

#include "agon/graph.h"

namespace agon {

/// The types of a node's outputs from those of its inputs. `target` is the result's shape for the ops that
/// take one (reshape, broadcast_to, conv_input_grad, conv_weight_grad, resize, the pool and resize gradients,
/// scatter_add, one_hot), `dtype` the result's dtype for cast. Throws Error(usage) with the shapes where they
/// do not fit.
std::vector<ValueInfo> infer(Op op, std::span<const ValueInfo> inputs, const Attr& attr, const Shape& target,
                             DType dtype);

}  // namespace agon
