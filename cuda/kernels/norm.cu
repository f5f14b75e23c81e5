#include "cuda/kernels/norm.cuh"

/// Forward: statistics, then y.
namespace agon::cuda {
namespace {

/// gamma and beta at element `at` of a sample, for what is not in a column's scale and shift already.
template <bool whole, int width>
__device__ void apply_by_row(const NormArgs& args, int at, float (&v)[width]) {
  if (!whole || !args.by_row || args.gamma == nullptr) return;
  float gamma[width], beta[width];
  load_row(args.gamma, at, gamma);
  load_row(args.beta, at, beta);
#pragma unroll
  for (int k = 0; k < width; ++k) v[k] = v[k] * gamma[k] + beta[k];
}

/// Scale and shift of a column.
__device__ void scale_and_shift(const NormArgs& args, int channel, float inv_std, float& scale,
                                float& shift) {
  const bool here = args.gamma != nullptr && !args.by_row;
  scale = here ? inv_std * args.gamma[channel] : inv_std;
  shift = here ? args.beta[channel] : 0;
}

/// All of it, in one pass over memory.
template <int group, bool whole, int width, class X>
__global__ void __launch_bounds__(norm_threads)
    norm_kept(const __grid_constant__ NormArgs args, const __grid_constant__ NormGrid grid) {
  extern __shared__ __align__(16) unsigned char memory[];
  X* const kept = reinterpret_cast<X*>(memory);
  const Seat<group, whole, width> seat(grid);
  const X* const x = static_cast<const X*>(args.x) + seat.base;
  const int64_t statistic = seat.statistic(grid);
  float v[width], mean[1][width], by[2][width];
  Sum sums[1][width];
  seat.for_each([&](int at, int slot) {
    load_row(x, at, v);
    store_row(kept, slot, v);
#pragma unroll
    for (int k = 0; k < width; ++k) sums[0][k].add(v[k]);
  });
  conclude(seat, grid, sums, mean, [&](int channel, const double(&total)[1], float(&made)[1]) {
    made[0] = args.mean[statistic + channel] = static_cast<float>(total[0] / grid.rows);
  });
  Sum squares[1][width];
  seat.for_each([&](int, int slot) {
    load_row(kept, slot, v);
#pragma unroll
    for (int k = 0; k < width; ++k) squares[0][k].add((v[k] - mean[0][k]) * (v[k] - mean[0][k]));
  });
  conclude(seat, grid, squares, by, [&](int channel, const double(&total)[1], float(&made)[2]) {
    const auto inv_std = static_cast<float>(1 / sqrt(total[0] / grid.rows + args.eps));
    args.inv_std[statistic + channel] = inv_std;
    scale_and_shift(args, channel, inv_std, made[0], made[1]);
  });
  seat.for_each([&](int at, int slot) {
    load_row(kept, slot, v);
#pragma unroll
    for (int k = 0; k < width; ++k) v[k] = (v[k] - mean[0][k]) * by[0][k] + by[1][k];
    apply_by_row<whole>(args, at, v);
    store_as(args.y_dtype, args.y, seat.base + at, v);
  });
}

/// Mean and inverse deviation from sums about the shift.
__device__ void finish(const NormArgs& args, int64_t statistic, double rows, float shift,
                       const double (&total)[2]) {
  const double off = total[0] / rows, squares = total[1] - off * total[0];
  args.mean[statistic] = static_cast<float>(shift + off);
  args.inv_std[statistic] = static_cast<float>(1 / sqrt((squares > 0 ? squares : 0) / rows + args.eps));
}

template <int width>
__device__ void add_moments(Sum (&acc)[2][width], const float (&v)[width], const float (&shift)[width]) {
#pragma unroll
  for (int k = 0; k < width; ++k) {
    const float d = v[k] - shift[k];
    acc[0][k].add(d);
    acc[1][k].add(d * d);
  }
}

/// The statistics about each channel's first element in the sample.
template <int width, class X>
__global__ void __launch_bounds__(column_threads, 4)
    norm_stats_of_tiles(const __grid_constant__ NormArgs args, const __grid_constant__ ColumnGrid grid) {
  const X* const x = static_cast<const X*>(args.x);
  const int64_t sample = blockIdx.x / static_cast<uint32_t>(grid.splits * grid.tiles),
                size = grid.rows * grid.columns;
  float shift[1][width];
  reduce_columns<Sum, 2, width>(
      grid, args.workspace,
      [&](int first, int lane) {
        stage_columns(first, grid.columns, lane, shift,
                      [&](int, int c) { return load1(x + sample * size + c); });
      },
      [&](Sum(&acc)[2][width], int64_t, int64_t row, int column) {
        float v[width];
        load_row(x, sample * size + row * grid.columns + column, v);
        add_moments(acc, v, shift[0]);
      },
      [&](int64_t, int column, const double(&total)[2]) {
        finish(args, sample * grid.columns + column, static_cast<double>(grid.rows),
               load1(x + sample * size + column), total);
      });
}

template <int width, class X>
__global__ void __launch_bounds__(norm_threads, 4)
    norm_stats_of_samples(const __grid_constant__ NormArgs args, const __grid_constant__ NormGrid grid) {
  const Seat<norm_threads, true, width> seat(grid);
  const X* const x = static_cast<const X*>(args.x) + seat.base;
  float shift[width];
#pragma unroll
  for (int k = 0; k < width; ++k) shift[k] = load1(x);
  Sum sums[2][width];
  seat.for_each([&](int at, int) {
    float v[width];
    load_row(x, at, v);
    add_moments(sums, v, shift);
  });
  double totals[2];
  if (merge_splits(seat, grid, sums, args.workspace, totals) && threadIdx.x == 0)
    finish(args, seat.sample, grid.rows, shift[0], totals);
}

template <bool whole, int width, class X>
__global__ void __launch_bounds__(norm_threads, 4)
    norm_apply(const __grid_constant__ NormArgs args, const __grid_constant__ NormGrid grid) {
  const Seat<norm_threads, whole, width> seat(grid);
  const X* const x = static_cast<const X*>(args.x) + seat.base;
  const int64_t statistic = seat.statistic(grid);
  float of[3][width];
  stage(seat, grid, of, [&](int which, int channel) {
    if (which == 0) return args.mean[statistic + channel];
    float scale, shift;
    scale_and_shift(args, channel, args.inv_std[statistic + channel], scale, shift);
    return which == 1 ? scale : shift;
  });
  seat.for_each([&](int at, int) {
    float v[width];
    load_row(x, at, v);
#pragma unroll
    for (int k = 0; k < width; ++k) v[k] = (v[k] - of[0][k]) * of[1][k] + of[2][k];
    apply_by_row<whole>(args, at, v);
    store_as(args.y_dtype, args.y, seat.base + at, v);
  });
}

template <int group, bool whole, int width, class X>
cudaError_t launch_kept(const NormArgs& args, const NormPlan& plan, cudaStream_t stream) {
  auto* const kernel = norm_kept<group, whole, width, X>;
  if (const cudaError_t error = allow_shared(reinterpret_cast<const void*>(kernel), plan.shared);
      error != cudaSuccess)
    return error;
  kernel<<<plan.blocks, norm_threads, plan.shared, stream>>>(args, plan.grid);
  return cudaGetLastError();
}

template <int width, class X>
cudaError_t launch(const NormArgs& args, const NormPlan& plan, cudaStream_t stream) {
  switch (plan.way) {
    case NormWay::tile:
      return launch_kept<norm_threads, false, width, X>(args, plan, stream);
    case NormWay::block:
      return launch_kept<norm_threads, true, width, X>(args, plan, stream);
    case NormWay::warp:
      return launch_kept<32, true, width, X>(args, plan, stream);
    case NormWay::tile_split:
      norm_stats_of_tiles<width, X><<<plan.columns.blocks, column_threads, 0, stream>>>(args, plan.columns);
      norm_apply<false, width, X><<<plan.blocks, norm_threads, 0, stream>>>(args, plan.grid);
      return cudaGetLastError();
    default:
      norm_stats_of_samples<width, X><<<plan.blocks, norm_threads, 0, stream>>>(args, plan.grid);
      norm_apply<true, width, X><<<plan.blocks, norm_threads, 0, stream>>>(args, plan.grid);
      return cudaGetLastError();
  }
}

NormPlan plan_of(const NormArgs& args) {
  const int width = row_width(-1, 4, {{args.x, args.x_dtype}, {args.y, args.y_dtype}});
  if (width == 0) return {};
  const bool whole = args.channels == 1, affine = whole && args.by_row;
  const bool wide = width == 4 && (whole ? args.rows : args.channels) % 4 == 0 &&
                    (!affine || (aligned(args.gamma, 16) && aligned(args.beta, 16)));
  const int kept = size_of(args.x_dtype);
  return plan_norm(args.samples, args.rows, args.channels, wide, {kept, kept}, args.instance);
}

}  // namespace

int norm_instance(const NormArgs& args) {
  return plan_of(args).instance;
}

size_t norm_workspace(const NormArgs& args) {
  return plan_of(args).partials;
}

cudaError_t launch_norm(const NormArgs& args, cudaStream_t stream) {
  const NormPlan plan = plan_of(args);
  if (plan.instance < 0 || (args.by_row && args.channels != 1)) return cudaErrorInvalidValue;
  if ((args.gamma == nullptr) != (args.beta == nullptr) || (plan.partials > 0 && args.workspace == nullptr))
    return cudaErrorInvalidValue;
  if (args.x_dtype == DType::bf16)
    return plan.width == 4 ? launch<4, uint16_t>(args, plan, stream)
                           : launch<1, uint16_t>(args, plan, stream);
  return plan.width == 4 ? launch<4, float>(args, plan, stream) : launch<1, float>(args, plan, stream);
}

}  // namespace agon::cuda
