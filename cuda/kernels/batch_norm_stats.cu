#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/batch_norm.h"

/// The statistics: of a tensor in one pass about its first row, or from partial sums.
namespace agon::cuda {
namespace {

/// Writes all that is known of one channel from its mean and the sum of squares about it.
__device__ void finish_channel(const BatchNormFinish& f, int c, double mean, double squares, double rows) {
  const double variance = (squares > 0 ? squares : 0) / rows, inv_std = 1 / sqrt(variance + f.eps);
  const float gamma = f.gamma != nullptr ? f.gamma[c] : 1, beta = f.beta != nullptr ? f.beta[c] : 0;
  if (f.mean != nullptr) f.mean[c] = static_cast<float>(mean);
  if (f.inv_std != nullptr) f.inv_std[c] = static_cast<float>(inv_std);
  const double scale = gamma * inv_std;
  if (f.scale != nullptr) f.scale[c] = static_cast<float>(scale);
  if (f.shift != nullptr) f.shift[c] = static_cast<float>(beta - mean * scale);
  const double momentum = f.momentum;
  if (f.new_running_mean != nullptr)
    f.new_running_mean[c] = static_cast<float>((1 - momentum) * f.old_running_mean[c] + momentum * mean);
  if (f.new_running_var != nullptr) {
    const double unbiased = variance * rows / (rows > 2 ? rows - 1 : 1);
    f.new_running_var[c] = static_cast<float>((1 - momentum) * f.old_running_var[c] + momentum * unbiased);
  }
}

template <int width, class T>
__global__ void __launch_bounds__(column_threads, 4)
    batch_norm_stats(const T* x, ColumnGrid grid, const __grid_constant__ BatchNormFinish finish,
                     void* workspace) {
  float shift[1][width];
  reduce_columns<Sum, 2, width>(
      grid, workspace,
      [&](int first, int lane) {
        stage_columns(first, grid.columns, lane, shift, [&](int, int column) { return load1(x + column); });
      },
      [&](Sum(&acc)[2][width], int64_t, int64_t row, int column) {
        float v[width];
        load_row(x, row * grid.columns + column, v);
#pragma unroll
        for (int k = 0; k < width; ++k) {
          const float d = v[k] - shift[0][k];
          acc[0][k].add(d);
          acc[1][k].add(d * d);
        }
      },
      [&](int64_t, int column, const double(&total)[2]) {
        const auto rows = static_cast<double>(grid.rows);
        const double off = total[0] / rows;
        finish_channel(finish, column, load1(x + column) + off, total[1] - off * total[0], rows);
      });
}

/// A warp a channel merges its partial sums (Chan, Golub and LeVeque 1983), each lane its own in order.
struct Moments {
  double rows = 0, mean = 0, squares = 0;
  __device__ void merge(double n, double m, double s) {
    if (n == 0) return;
    const double all = rows + n, d = m - mean;
    mean += d * (n / all);
    squares += s + d * d * (rows * n / all);
    rows = all;
  }
};

constexpr int merge_warps = 8;

/// Lane l of warp w merges the partials w * 4 + l / 8, .. of channel l % 8, so that a warp reads whole
/// sectors.
__global__ void __launch_bounds__(merge_warps * 32)
    batch_norm_partials(const __grid_constant__ BatchNormPartialsArgs args) {
  constexpr int columns = 8, shares = merge_warps * 32 / columns;
  __shared__ Moments parts[shares][columns];
  const int column = static_cast<int>(threadIdx.x) % columns, share = static_cast<int>(threadIdx.x) / columns;
  const int c = static_cast<int>(blockIdx.x) * columns + column;
  Moments own;
  if (c < args.channels) {
    for (int64_t p = share; p < args.partials; p += shares) {
      const int64_t rest = args.rows - p * args.rows_per_partial;
      const double n = args.counts != nullptr         ? args.counts[p]
                       : rest < args.rows_per_partial ? static_cast<double>(rest)
                                                      : static_cast<double>(args.rows_per_partial);
      const double sum = args.sums[p * args.channels + c], squares = args.squares[p * args.channels + c];
      own.merge(n, n > 0 ? sum / n : 0, args.centred || n == 0 ? squares : squares - sum * sum / n);
    }
  }
  parts[share][column] = own;
  __syncthreads();
  if (share != 0 || c >= args.channels) return;
  for (int s = 1; s < shares; ++s)
    own.merge(parts[s][column].rows, parts[s][column].mean, parts[s][column].squares);
  const double bias = args.bias != nullptr ? args.bias[c] : 0;
  finish_channel(args.finish, c, own.mean + bias, own.squares, static_cast<double>(args.rows));
}

template <int width, class T>
void launch(const BatchNormStatsArgs& args, cudaStream_t stream) {
  const ColumnGrid grid(1, args.rows, args.channels, width);
  batch_norm_stats<width><<<grid.blocks, column_threads, 0, stream>>>(static_cast<const T*>(args.x), grid,
                                                                      args.finish, args.workspace);
}

int width_of(const BatchNormStatsArgs& args) {
  return row_width(args.instance, args.channels, {{args.x, args.dtype}});
}

}  // namespace

size_t batch_norm_stats_workspace(const BatchNormStatsArgs& args) {
  const int width = width_of(args);
  return width == 0 ? 0 : ColumnGrid(1, args.rows, args.channels, width).workspace(2, width);
}

cudaError_t launch_batch_norm_stats(const BatchNormStatsArgs& args, cudaStream_t stream) {
  const int width = width_of(args);
  if (width == 0 || args.rows < 1) return cudaErrorInvalidValue;
  if (args.dtype == DType::bf16)
    width == 4 ? launch<4, uint16_t>(args, stream) : launch<1, uint16_t>(args, stream);
  else
    width == 4 ? launch<4, float>(args, stream) : launch<1, float>(args, stream);
  return cudaGetLastError();
}

cudaError_t launch_batch_norm_partials(const BatchNormPartialsArgs& args, cudaStream_t stream) {
  if (args.rows < 1 || args.channels < 1) return cudaErrorInvalidValue;
  batch_norm_partials<<<static_cast<unsigned>(ceil_div(args.channels, 8)), merge_warps * 32, 0, stream>>>(
      args);
  return cudaGetLastError();
}

}  // namespace agon::cuda
