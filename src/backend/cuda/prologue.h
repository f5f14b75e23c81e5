#pragma once
#include "agon/graph.h"

#include "backend/cuda/frame.h"

namespace agon::device {

/// The graph's types as the kernels have them.
cuda::Activation to_kernel(const Activation& f);
/// Throws Error(unsupported) for f64 and i64.
cuda::DType to_kernel(DType dtype);

/// An operand of a contraction: memory, and how it is transformed as it is read.
struct Operand {
  Ref data;
  cuda::PrologueKind kind = cuda::PrologueKind::none;
  Activation activation;
  Ref scale, shift, z, coefficients;
  int channels = 0;

  cuda::Prologue at(const Frame& f) const;
};

}  // namespace agon::device
