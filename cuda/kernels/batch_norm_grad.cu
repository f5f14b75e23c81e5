#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/batch_norm.h"

/// Backward: the per-channel sums, then dx.
namespace agon::cuda {
namespace {

/// The per-channel constants, in this order.
enum Constant : int { mean, inv_std, gamma, beta, dgamma, dbeta };

__device__ float constant(const BatchNormGradArgs& args, int which, int c) {
  switch (which) {
    case mean:
      return args.mean[c];
    case inv_std:
      return args.inv_std[c];
    case gamma:
      return args.gamma != nullptr ? args.gamma[c] : 1;
    case beta:
      return args.beta != nullptr ? args.beta[c] : 0;
    case dgamma:
      return args.dgamma[c];
    default:
      return args.dbeta[c];
  }
}

/// dy through the activation's derivative, whose output is read or made again as the forward made it.
template <class X, int count, int width>
__device__ void through_activation(const BatchNormGradArgs& args, const float (&of)[count][width], int64_t i,
                                   const float (&x)[width], float (&dy)[width]) {
  if (args.activation.kind == ActivationKind::identity) return;
  float y[width];
  if (args.y != nullptr) {
    load_row(static_cast<const X*>(args.y), i, y);
  } else {
#pragma unroll
    for (int k = 0; k < width; ++k)
      y[k] = activate(args.activation, (x[k] - of[mean][k]) * (of[gamma][k] * of[inv_std][k]) + of[beta][k]);
  }
#pragma unroll
  for (int k = 0; k < width; ++k) dy[k] = activate_grad(args.activation, y[k], dy[k]);
}

template <int width, class X, class D>
__global__ void __launch_bounds__(column_threads, 3)
    batch_norm_grad_reduce(const __grid_constant__ BatchNormGradArgs args, ColumnGrid grid) {
  float of[4][width];
  reduce_columns<Sum, 2, width>(
      grid, args.workspace,
      [&](int first, int lane) {
        stage_columns(first, grid.columns, lane, of, [&](int k, int c) { return constant(args, k, c); });
      },
      [&](Sum(&acc)[2][width], int64_t, int64_t row, int column) {
        const int64_t i = row * grid.columns + column;
        float x[width], dy[width];
        load_row(static_cast<const X*>(args.x), i, x);
        load_row(static_cast<const D*>(args.dy), i, dy);
        through_activation<X>(args, of, i, x, dy);
#pragma unroll
        for (int k = 0; k < width; ++k) {
          acc[0][k].add(dy[k]);
          acc[1][k].add(dy[k] * ((x[k] - of[mean][k]) * of[inv_std][k]));
        }
      },
      [&](int64_t, int c, const double(&total)[2]) {
        args.dbeta[c] = static_cast<float>(total[0]);
        args.dgamma[c] = static_cast<float>(total[1]);
        if (args.coefficients == nullptr) return;
        const auto rows = static_cast<double>(grid.rows);
        const double inv_std = args.inv_std[c];
        const double scale = (args.gamma != nullptr ? args.gamma[c] : 1) * inv_std;
        const double by_x = -scale * inv_std * total[1] / rows;
        args.coefficients[c] = static_cast<float>(scale);
        args.coefficients[grid.columns + c] = static_cast<float>(by_x);
        args.coefficients[2 * grid.columns + c] =
            static_cast<float>(-scale * total[0] / rows - by_x * args.mean[c]);
      });
}

template <int width, class X, class D, class O>
__global__ void __launch_bounds__(column_threads, 3)
    batch_norm_grad_apply(const __grid_constant__ BatchNormGradArgs args, RowGrid grid) {
  float of[6][width];
  const float share = 1 / static_cast<float>(grid.rows);
  for_each_row(
      grid, of, [&](int k, int c) { return constant(args, k, c) * (k >= dgamma ? share : 1.0f); },
      [&](int64_t row, int column) {
        const int64_t i = row * grid.channels + column;
        float x[width], dy[width];
        load_row(static_cast<const X*>(args.x), i, x);
        load_row(static_cast<const D*>(args.dy), i, dy);
        through_activation<X>(args, of, i, x, dy);
#pragma unroll
        for (int k = 0; k < width; ++k) {
          const float h = (x[k] - of[mean][k]) * of[inv_std][k];
          dy[k] = of[gamma][k] * of[inv_std][k] * (dy[k] - of[dbeta][k] - h * of[dgamma][k]);
        }
        store_row(static_cast<O*>(args.dx), i, dy);
      });
}

/// The reduction has no dx.
int width_of(const BatchNormGradArgs& args, bool apply) {
  const RowOperand x{args.x, args.x_dtype}, dy{args.dy, args.dy_dtype}, y{args.y, args.x_dtype},
      dx{args.dx, args.dx_dtype};
  return apply ? row_width(args.instance, args.channels, {x, dy, y, dx})
               : row_width(args.instance, args.channels, {x, dy, y});
}

}  // namespace

size_t batch_norm_grad_workspace(const BatchNormGradArgs& args) {
  const int width = width_of(args, false);
  return width == 0 ? 0 : ColumnGrid(1, args.rows, args.channels, width).workspace(2, width);
}

cudaError_t launch_batch_norm_grad_reduce(const BatchNormGradArgs& args, cudaStream_t stream) {
  const int width = width_of(args, false);
  if (width == 0) return cudaErrorInvalidValue;
  const ColumnGrid grid(1, args.rows, args.channels, width);
  with_storage(args.x_dtype, [&](auto x) {
    with_storage(args.dy_dtype, [&](auto d) {
      using X = decltype(x);
      using D = decltype(d);
      if (width == 4)
        batch_norm_grad_reduce<4, X, D><<<grid.blocks, column_threads, 0, stream>>>(args, grid);
      else
        batch_norm_grad_reduce<1, X, D><<<grid.blocks, column_threads, 0, stream>>>(args, grid);
    });
  });
  return cudaGetLastError();
}

cudaError_t launch_batch_norm_grad_apply(const BatchNormGradArgs& args, cudaStream_t stream) {
  const int width = width_of(args, true);
  if (width == 0) return cudaErrorInvalidValue;
  if (args.rows == 0) return cudaSuccess;
  const RowGrid grid(args.rows, args.channels, width);
  with_storage(args.x_dtype, [&](auto x) {
    with_storage(args.dy_dtype, [&](auto d) {
      with_storage(args.dx_dtype, [&](auto o) {
        using X = decltype(x);
        using D = decltype(d);
        using O = decltype(o);
        if (width == 4)
          batch_norm_grad_apply<4, X, D, O><<<grid.blocks, column_threads, 0, stream>>>(args, grid);
        else
          batch_norm_grad_apply<1, X, D, O><<<grid.blocks, column_threads, 0, stream>>>(args, grid);
      });
    });
  });
  return cudaGetLastError();
}

}  // namespace agon::cuda
