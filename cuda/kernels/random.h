#pragma once
#include "cuda/kernels/common.h"

/// Philox4x32-10 numbers, element for element those of agon/philox.h: uniform and Bernoulli bitwise, normal
/// ones within float rounding. Launch: 256 threads a block, a Philox block of four numbers a thread, about 80
/// integer operations. The step is read on the device. Fuses: generator, transform and rounding to bf16.
/// Fewest bytes: the result once. Limits: `first` is a multiple of 4.
namespace agon::cuda {

enum class RandomKind : int32_t { normal, uniform, bernoulli };

struct RandomArgs {
  RandomKind kind = RandomKind::normal;
  uint64_t seed = 0;
  const uint64_t* step = nullptr;
  uint32_t stream = 0;
  uint64_t first = 0;  ///< global index of y[0], a multiple of 4 (several devices share one tensor)
  double p = 0.5;      ///< bernoulli: 1 with probability p
  void* y = nullptr;
  DType dtype = DType::f32;  ///< f32 or bf16
  int64_t count = 0;
};
cudaError_t launch_random(const RandomArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
