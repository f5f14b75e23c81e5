#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/batch_norm.h"

/// The forward's second pass, and evaluation.
namespace agon::cuda {
namespace {

template <int width, class X, class Y>
__global__ void __launch_bounds__(column_threads)
    batch_norm_apply(const __grid_constant__ BatchNormApplyArgs args, RowGrid grid) {
  const X* const x = static_cast<const X*>(args.x);
  Y* const y = static_cast<Y*>(args.y);
  float of[3][width];  // mean, scale, beta
  for_each_row(
      grid, of,
      [&](int k, int c) {
        if (k == 0) return args.mean[c];
        if (k == 2) return args.beta != nullptr ? args.beta[c] : 0.0f;
        const float inv_std =
            args.variance != nullptr ? 1 / sqrtf(args.variance[c] + args.eps) : args.inv_std[c];
        return args.gamma != nullptr ? args.gamma[c] * inv_std : inv_std;
      },
      [&](int64_t row, int column) {
        const int64_t i = row * grid.channels + column;
        float v[width];
        load_row(x, i, v);
#pragma unroll
        for (int k = 0; k < width; ++k)
          v[k] = activate(args.activation, (v[k] - of[0][k]) * of[1][k] + of[2][k]);
        store_row(y, i, v);
      });
}

}  // namespace

cudaError_t launch_batch_norm_apply(const BatchNormApplyArgs& args, cudaStream_t stream) {
  const int width = row_width(args.instance, args.channels, {{args.x, args.x_dtype}, {args.y, args.y_dtype}});
  if (width == 0) return cudaErrorInvalidValue;
  if (args.rows == 0) return cudaSuccess;
  const RowGrid grid(args.rows, args.channels, width);
  with_storage(args.x_dtype, [&](auto x) {
    with_storage(args.y_dtype, [&](auto y) {
      using X = decltype(x);
      using Y = decltype(y);
      if (width == 4)
        batch_norm_apply<4, X, Y><<<grid.blocks, column_threads, 0, stream>>>(args, grid);
      else
        batch_norm_apply<1, X, Y><<<grid.blocks, column_threads, 0, stream>>>(args, grid);
    });
  });
  return cudaGetLastError();
}

std::span<const Instance> batch_norm_instances() {
  static constexpr Instance table[] = {{"scalar"}, {"vector"}};
  return table;
}

}  // namespace agon::cuda
