#pragma once
#include <span>

#include "cuda/kernels/contraction.h"

/// Convolution, its transpose (the gradient of its input) and the gradient of its weights: one sum of
/// x * w * y over the same index set. x is [N, spatial.., C], w is [K, window.., C / groups], y is
/// [N, spatial.., K].
///
/// Implicit matrix products over tiles; thin ones (at most 4 channels on one side) have direct kernels. No
/// multiplication is spent on the zeros that a strided input gradient would insert (parity classes), and
/// taps that lie in the padding for a whole tile are left out.
/// Fuses: prologues of the operands that are activations, the epilogue (contraction.h).
/// Fewest bytes: both operands (and a prologue's second tensor) and the result once each.
/// Fewest flops: 2 N P Q K R S C / groups.
/// Launch: a block a tile of the result and share of its sum, 64 to 256 threads; conv_kernel.cuh,
/// conv_thin_out.cuh and conv_thin_weights.cuh tell the shapes.
/// Limits: tensors of at most 2^31 - 1 elements; window * dilation + padding + stride below 2^15 along an
/// axis; parity classes * groups * splits at most 65535.
namespace agon::cuda {

enum class ConvOp : int32_t {
  forward,      ///< (x, w) -> y
  input_grad,   ///< (y, w) -> x
  weight_grad,  ///< (x, y) -> w
};

/// Up to three spatial axes; those that a tensor lacks have extent 1 (first or last, as one likes).
struct ConvShape {
  int batch = 1;
  int x[3] = {1, 1, 1}, y[3] = {1, 1, 1};  ///< spatial extents
  int kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad_lo[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  int x_channels = 1, y_channels = 1;  ///< multiples of groups
  int groups = 1;
};

/// Of x, w and y the one that `op` computes is `result`; its pointer among the operands is not read.
struct ConvArgs {
  ConvOp op = ConvOp::forward;
  Math math = Math::f32;
  ConvShape shape;
  const void *x = nullptr, *w = nullptr, *y = nullptr;  ///< f32, or bf16 where math is bf16
  void* result = nullptr;
  DType result_dtype = DType::f32;  ///< f32, or bf16 where math is bf16
  Prologue x_prologue;              ///< forward and weight_grad
  Prologue y_prologue;              ///< input_grad and weight_grad
  Epilogue epilogue;                ///< weight_grad: `accumulate` alone
  void* workspace = nullptr;        ///< may be null where conv_workspace is 0
  int instance = -1;
  int splits = 0;  ///< how many blocks share the sum of one tile; 0: chosen. Part of the result's rounding
};

size_t conv_workspace(const ConvArgs& args);
/// How many partials of statistics the epilogue writes (for the instance that will be chosen).
int64_t conv_stats_partials(const ConvArgs& args);
cudaError_t launch_conv(const ConvArgs& args, cudaStream_t stream);

std::span<const ContractionInstance> conv_instances();
/// The instance that `args` runs as, or -1 if no instance (or not the one it asks for) can.
int conv_instance(const ConvArgs& args);

}  // namespace agon::cuda
