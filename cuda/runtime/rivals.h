#pragma once
#include "cuda/runtime/context.h"

/// Implementations of the vendor's libraries that compete with our kernels: deterministic algorithms of cuDNN
/// for convolutions and cuBLAS for matrix products. They are found by dlopen at their first use and are
/// simply absent where they are not installed. AGON_CUDNN and AGON_CUBLAS name other files.
namespace agon::cuda {

/// The candidates for a problem, at most `room`; returns how many. None where a prologue, a bias, an
/// activation or statistics are asked for: only our kernels do these as they go.
int conv_rivals(agon_cuda_context* context, const ConvArgs* args, agon_cuda_rival* out, int room);
int matmul_rivals(agon_cuda_context* context, const MatmulArgs* args, agon_cuda_rival* out, int room);

/// Launches candidate `algorithm`, with its workspace behind the counters of the shared one.
int launch_conv_rival(agon_cuda_context* context, int algorithm, const ConvArgs* args);
int launch_matmul_rival(agon_cuda_context* context, int algorithm, const MatmulArgs* args);

/// Gives back the libraries' handles of a context.
void drop_rivals(agon_cuda_context* context);
void drop_cublas(agon_cuda_context* context);

/// True if nothing is asked of the epilogue but a plain or an accumulated result.
inline bool is_plain(const Epilogue& e) {
  return e.bias == nullptr && e.activation.kind == ActivationKind::identity && e.stats_sums == nullptr;
}

}  // namespace agon::cuda
