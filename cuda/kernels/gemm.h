#pragma once
#include <span>

#include "cuda/kernels/contraction.h"

/// y[b] = op(a[b]) op(b[b]): matrix products, batched, either operand transposed.
///
/// The tiles of the convolutions' main loop; products with m or n of at most 4 (a discriminator's last layer,
/// spectral norm's power iteration) and with k of at most 4 (their gradients) have kernels that read the
/// large operand once at full bandwidth. Fewest bytes: a, b and y once each. Fewest flops: 2 batch m n k.
/// Fuses: a prologue of a (and the forward one of b where a alone is transposed), the epilogue
/// (contraction.h).
/// Launch: as conv_kernel.cuh and gemm_skinny.cu say. Limits: k at least 1, matrices of at most 2^31 - 1
/// elements, batch * splits at most 65535.
namespace agon::cuda {

/// a is [batch, m, k], or [batch, k, m] with transpose_a; b is [batch, k, n], or [batch, n, k] with
/// transpose_b; y is [batch, m, n]. All dense.
struct MatmulArgs {
  Math math = Math::f32;
  int batch = 1, m = 1, n = 1, k = 1;
  bool transpose_a = false, transpose_b = false;
  const void *a = nullptr, *b = nullptr;  ///< f32, or bf16 where math is bf16
  void* y = nullptr;
  DType y_dtype = DType::f32;       ///< f32, or bf16 where math is bf16
  Prologue a_prologue, b_prologue;  ///< channels run along the last axis, as stored
  Epilogue epilogue;                ///< statistics: only with batch 1
  void* workspace = nullptr;        ///< may be null where matmul_workspace is 0
  int instance = -1;
  int splits = 0;  ///< how many blocks share the sum of one tile; 0: chosen. Part of the result's rounding
};

size_t matmul_workspace(const MatmulArgs& args);
/// How many partials of statistics the epilogue writes (for the instance that will be chosen).
int64_t matmul_stats_partials(const MatmulArgs& args);
cudaError_t launch_matmul(const MatmulArgs& args, cudaStream_t stream);

std::span<const ContractionInstance> matmul_instances();
/// The instance that `args` runs as, or -1 if no instance (or not the one it asks for) can.
int matmul_instance(const MatmulArgs& args);

}  // namespace agon::cuda
