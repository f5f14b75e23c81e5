#pragma once
#include "cuda/kernels/common.h"

/// The loss ring: one launch at an iteration's end copies its scalars into the slot of the step and notes
/// what is not finite. It fuses what would be a copy and a test a scalar.
namespace agon::cuda {

constexpr int record_max_scalars = 256;

/// ring[step % capacity] = {scalars..., }: slot s starts at ring + s * pitch, scalar k lies at k. steps[s] is
/// written last with step + 1, so that a reader can tell a slot's owner; flags[s] gets 1 if any scalar is NaN
/// or infinite, else 0. Fewest bytes: 8 a scalar; no flops. Launch: one block, a thread a scalar. Limits: 256
/// scalars.
struct RecordArgs {
  const float* scalars[record_max_scalars] = {};
  int count = 0;
  float* ring = nullptr;
  uint64_t* steps = nullptr;  ///< [capacity]
  int32_t* flags = nullptr;   ///< [capacity]
  int pitch = 0, capacity = 0;
  const uint64_t* step = nullptr;  ///< on the device
};
cudaError_t launch_record(const RecordArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
