#pragma once
#include <span>

#include "cuda/kernels/common.h"

/// Moving elements without arithmetic. Fewest bytes: every source element that is used once, every result
/// once; no flops.
namespace agon::cuda {

/// dst[i . dst_strides] = src[i . src_strides] for every index i within `extents`: slices, broadcasts,
/// concatenations (a launch a part) and permutations. Strides in elements, 0 in src for broadcasts; no two
/// indices may share a place in dst. Elements have 1, 2, 4 or 8 bytes.
/// Launch: 256 threads a block, a word a thread; tiles of up to 4096 words a block.
/// Where both sides run along the same axis, threads copy up to 16 bytes; where they do not (transpose, pixel
/// shuffle and its inverse) a tile goes through shared memory, so that both sides move in whole sectors.
/// Fuses: a chain of moves whose whole has strides. Limits: six axes.
struct CopyArgs {
  const void* src = nullptr;
  void* dst = nullptr;
  int element_size = 4;
  int rank = 0;
  int64_t extents[max_rank] = {}, src_strides[max_rank] = {}, dst_strides[max_rank] = {};
  int instance = -1;
};
cudaError_t launch_copy(const CopyArgs& args, cudaStream_t stream);
std::span<const Instance> copy_instances();
/// The instance that `args` runs as, or -1 if it is outside of the limits (or of the instance it asks for).
int copy_instance(const CopyArgs& args);

/// dst, dense of `extents`, is src, dense, at offset `lo`, and zero elsewhere; the zeros are written in the
/// same pass. Elements have 1, 2, 4 or 8 bytes. Launch: 256 threads a block, a word of up to 16 bytes a
/// thread.
struct PadArgs {
  const void* src = nullptr;
  void* dst = nullptr;
  int element_size = 4;
  int rank = 0;
  int64_t src_extents[max_rank] = {}, lo[max_rank] = {}, extents[max_rank] = {};
};
cudaError_t launch_pad(const PadArgs& args, cudaStream_t stream);

/// dst[0 .. count) = value, rounded to dtype. Launch: 256 threads a block, an element (f32: up to four) a
/// thread.
struct FillArgs {
  void* dst = nullptr;
  DType dtype = DType::f32;
  double value = 0;
  int64_t count = 0;
};
cudaError_t launch_fill(const FillArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
