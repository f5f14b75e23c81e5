#pragma once
#include "cuda/kernels/gemm.h"

/// Matrix products with one extent of at most 4, each by a kernel that reads the large operand once.
/// Fuses: a forward or backward prologue of the large operand (not `outer`); bias, activation and addition to
/// the former result. Fewest bytes: a, b and y once each. Fewest flops: 2 batch m n k. Launch: 256 threads; a
/// warp a row (a block from k = 2048 on), 32 loads' worth of columns a block, or 8 rows a thread (`outer`).
/// Limits: no statistics, batch at most 65535.
namespace agon::cuda {

enum class SkinnyKind : int32_t {
  rows,     ///< m or n is small, the large operand lies along k: a dot product for each of its rows
  columns,  ///< m or n is small, the large operand lies across k: threads own columns
  outer,    ///< k is small: the result is what costs
};

struct SkinnyEntry {
  ContractionInstance instance;
  SkinnyKind kind;
  int width;  ///< elements of the large operand that a thread loads at once
  cudaError_t (*launch)(const MatmulArgs& args, cudaStream_t stream);
};

std::span<const SkinnyEntry> skinny_kernels();
/// The kernel that suits best (or whether kernel `wanted` can run, if that is not negative); -1: none.
int skinny_kernel(const MatmulArgs& args, int wanted);

}  // namespace agon::cuda
