#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// Softmax and its logarithm over rows: a warp a row up to 1024 columns, kept in registers; a block a row
/// beyond, which reads it up to three times. Fuses: the row's maximum, its sum and the quotient.
/// Fewest bytes: x and y once; about 20 flops an element. Launch: 256 threads a block. Limits: f32, at least
/// one column.
namespace agon::cuda {

struct SoftmaxArgs {
  const float* x = nullptr;
  float* y = nullptr;  ///< may be x
  int64_t rows = 0;
  int width = 0;
  bool log = false;
  int instance = -1;
};
cudaError_t launch_softmax(const SoftmaxArgs& args, cudaStream_t stream);
std::span<const Instance> softmax_instances();

}  // namespace agon::cuda
