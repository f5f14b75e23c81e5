#include <type_traits>

#include "cuda/kernels/norm.cuh"

/// Backward, with h = (x - mean) inv_std and g = dy gamma:
///   dx = inv_std (g - mean(g) - h mean(g h)), dgamma = sum dy h, dbeta = sum dy
/// An instance norm's gamma is a factor of the whole group and joins last; its derivatives are sums over the
/// samples of what each group adds up for dx.
namespace agon::cuda {
namespace {

/// The arguments and where each group leaves its two sums [2, samples, channels]; null: nowhere.
struct Problem {
  NormGradArgs args;
  float* sums = nullptr;
};

/// dy, times a layer norm's gamma.
template <bool whole, int width>
__device__ void times_gamma(const NormGradArgs& args, int at, float (&g)[width]) {
  if (!whole || !args.by_row || args.gamma == nullptr) return;
  float gamma[width];
  load_row(args.gamma, at, gamma);
#pragma unroll
  for (int k = 0; k < width; ++k) g[k] *= gamma[k];
}

/// The numbers of dx = scale (g - offset - (x - mean) slope), from the sums of g and g h.
enum Number : int { scale, offset, slope, numbers };

__device__ void finish(const NormGradArgs& args, int channel, float inv_std, double rows, double sum,
                       double weighted, float (&made)[numbers]) {
  made[scale] = args.gamma != nullptr && !args.by_row ? inv_std * args.gamma[channel] : inv_std;
  made[offset] = static_cast<float>(sum / rows);
  made[slope] = static_cast<float>(weighted / rows * inv_std);
}

__device__ void leave(const Problem& p, int64_t statistics, int64_t at, const double (&total)[2]) {
  if (p.sums == nullptr) return;
  p.sums[at] = static_cast<float>(total[0]);
  p.sums[statistics + at] = static_cast<float>(total[1]);
}

template <int width>
__device__ void add_sums(Sum (&acc)[2][width], const float (&x)[width], const float (&g)[width],
                         const float (&mean)[width], const float (&inv_std)[width]) {
#pragma unroll
  for (int k = 0; k < width; ++k) {
    acc[0][k].add(g[k]);
    acc[1][k].add(g[k] * ((x[k] - mean[k]) * inv_std[k]));
  }
}

/// All of dx, in one pass over memory. What a tile keeps of g is dy as it was.
template <int group, bool whole, int width, class X, class D>
__global__ void __launch_bounds__(norm_threads, 3)
    norm_grad_kept(const __grid_constant__ Problem p, const __grid_constant__ NormGrid grid, int64_t kept) {
  using G = std::conditional_t<whole, float, D>;
  extern __shared__ __align__(16) unsigned char memory[];
  X* const kept_x = reinterpret_cast<X*>(memory);
  G* const kept_g = reinterpret_cast<G*>(kept_x + kept);
  const NormGradArgs& args = p.args;
  const Seat<group, whole, width> seat(grid);
  const X* const data = static_cast<const X*>(args.x) + seat.base;
  const D* const dy = static_cast<const D*>(args.dy) + seat.base;
  const int64_t statistic = seat.statistic(grid), statistics = int64_t{grid.samples} * grid.channels;
  float of[2][width], by[numbers][width], x[width], g[width];
  stage(seat, grid, of, [&](int which, int channel) {
    return which == 0 ? args.mean[statistic + channel] : args.inv_std[statistic + channel];
  });
  Sum sums[2][width];
  seat.for_each([&](int at, int slot) {
    load_row(data, at, x);
    load_row(dy, at, g);
    times_gamma<whole>(args, at, g);
    store_row(kept_x, slot, x);
    store_row(kept_g, slot, g);
    add_sums(sums, x, g, of[0], of[1]);
  });
  conclude(seat, grid, sums, by, [&](int channel, const double(&total)[2], float(&made)[numbers]) {
    leave(p, statistics, statistic + channel, total);
    finish(args, channel, args.inv_std[statistic + channel], grid.rows, total[0], total[1], made);
  });
  seat.for_each([&](int at, int slot) {
    load_row(kept_x, slot, x);
    load_row(kept_g, slot, g);
#pragma unroll
    for (int k = 0; k < width; ++k)
      g[k] = by[scale][k] * (g[k] - by[offset][k] - (x[k] - of[0][k]) * by[slope][k]);
    store_as(args.dx_dtype, args.dx, seat.base + at, g);
  });
}

template <int width, class X, class D>
__global__ void __launch_bounds__(column_threads, 3)
    norm_grad_sums_of_tiles(const __grid_constant__ Problem p, const __grid_constant__ ColumnGrid grid) {
  const NormGradArgs& args = p.args;
  const int64_t sample = blockIdx.x / static_cast<uint32_t>(grid.splits * grid.tiles),
                size = grid.rows * grid.columns;
  const int64_t statistic = sample * grid.columns;
  float of[2][width];
  reduce_columns<Sum, 2, width>(
      grid, args.workspace,
      [&](int first, int lane) {
        stage_columns(first, grid.columns, lane, of, [&](int which, int c) {
          return which == 0 ? args.mean[statistic + c] : args.inv_std[statistic + c];
        });
      },
      [&](Sum(&acc)[2][width], int64_t, int64_t row, int column) {
        const int64_t i = sample * size + row * grid.columns + column;
        float x[width], dy[width];
        load_row(static_cast<const X*>(args.x), i, x);
        load_row(static_cast<const D*>(args.dy), i, dy);
        add_sums(acc, x, dy, of[0], of[1]);
      },
      [&](int64_t, int column, const double(&total)[2]) {
        leave(p, args.samples * grid.columns, statistic + column, total);
      });
}

template <int width, class X, class D>
__global__ void __launch_bounds__(norm_threads, 3)
    norm_grad_sums_of_samples(const __grid_constant__ Problem p, const __grid_constant__ NormGrid grid) {
  const NormGradArgs& args = p.args;
  const Seat<norm_threads, true, width> seat(grid);
  float of[2][width];
  stage(seat, grid, of,
        [&](int which, int) { return which == 0 ? args.mean[seat.sample] : args.inv_std[seat.sample]; });
  Sum sums[2][width];
  seat.for_each([&](int at, int) {
    float x[width], g[width];
    load_row(static_cast<const X*>(args.x), seat.base + at, x);
    load_row(static_cast<const D*>(args.dy), seat.base + at, g);
    times_gamma<true>(args, at, g);
    add_sums(sums, x, g, of[0], of[1]);
  });
  double totals[2];
  if (merge_splits(seat, grid, sums, args.workspace, totals) && threadIdx.x == 0)
    leave(p, grid.samples, seat.sample, totals);
}

template <bool whole, int width, class X, class D>
__global__ void __launch_bounds__(norm_threads, 3)
    norm_grad_apply(const __grid_constant__ Problem p, const __grid_constant__ NormGrid grid) {
  const NormGradArgs& args = p.args;
  const Seat<norm_threads, whole, width> seat(grid);
  const int64_t statistic = seat.statistic(grid), statistics = int64_t{grid.samples} * grid.channels;
  float of[1 + numbers][width];
  stage(seat, grid, of, [&](int which, int channel) {
    const int64_t at = statistic + channel;
    if (which == numbers) return args.mean[at];
    float made[numbers];
    finish(args, channel, args.inv_std[at], grid.rows, p.sums[at], p.sums[statistics + at], made);
    return which == scale ? made[scale] : which == offset ? made[offset] : made[slope];
  });
  seat.for_each([&](int at, int) {
    float x[width], g[width];
    load_row(static_cast<const X*>(args.x), seat.base + at, x);
    load_row(static_cast<const D*>(args.dy), seat.base + at, g);
    times_gamma<whole>(args, at, g);
#pragma unroll
    for (int k = 0; k < width; ++k)
      g[k] = of[scale][k] * (g[k] - of[offset][k] - (x[k] - of[numbers][k]) * of[slope][k]);
    store_as(args.dx_dtype, args.dx, seat.base + at, g);
  });
}

/// dgamma and dbeta of an instance norm: what the groups left, over the samples.
__global__ void __launch_bounds__(norm_threads)
    norm_grad_affine_of_channels(const __grid_constant__ Problem p) {
  const NormGradArgs& args = p.args;
  const int column = static_cast<int>(blockIdx.x * norm_threads + threadIdx.x);
  if (column >= 2 * args.channels) return;
  const int channel = column % args.channels;
  const bool weighted = column >= args.channels;
  const float* const sums = p.sums + (weighted ? args.samples * args.channels : 0) + channel;
  double total = 0;
  for (int64_t n = 0; n < args.samples; ++n) total += double{sums[n * args.channels]};
  (weighted ? args.dgamma : args.dbeta)[channel] = static_cast<float>(total);
}

/// The same of a layer norm.
template <int width, class X, class D>
__global__ void __launch_bounds__(column_threads, 3)
    norm_grad_affine_of_rows(const __grid_constant__ Problem p, const __grid_constant__ ColumnGrid grid,
                             void* workspace) {
  const NormGradArgs& args = p.args;
  reduce_columns<Sum, 2, width>(
      grid, workspace, [](int, int) {},
      [&](Sum(&acc)[2][width], int64_t, int64_t sample, int column) {
        const int64_t i = sample * grid.columns + column;
        float x[width], dy[width];
        load_row(static_cast<const X*>(args.x), i, x);
        load_row(static_cast<const D*>(args.dy), i, dy);
        const float mean = args.mean[sample], inv_std = args.inv_std[sample];
#pragma unroll
        for (int k = 0; k < width; ++k) {
          acc[0][k].add(dy[k]);
          acc[1][k].add(dy[k] * ((x[k] - mean) * inv_std));
        }
      },
      [&](int64_t, int column, const double(&total)[2]) {
        args.dbeta[column] = static_cast<float>(total[0]);
        args.dgamma[column] = static_cast<float>(total[1]);
      });
}

/// The plan, and what lies where in the workspace.
struct GradPlan {
  NormPlan norm;
  ColumnGrid affine;  ///< of a layer norm's gamma
  size_t affine_at = 0, sums_at = 0, bytes = 0;
  bool leaves_sums = false;
};

GradPlan plan_of(const NormGradArgs& args) {
  GradPlan plan;
  const int width =
      row_width(-1, 4, {{args.x, args.x_dtype}, {args.dy, args.dy_dtype}, {args.dx, args.dx_dtype}});
  if (width == 0) return plan;
  const bool whole = args.channels == 1, by_row = whole && args.by_row, affine = args.dgamma != nullptr;
  const bool wide =
      width == 4 && (whole ? args.rows : args.channels) % 4 == 0 && (!by_row || aligned(args.gamma, 16));
  const int x_size = size_of(args.x_dtype);
  plan.norm = plan_norm(args.samples, args.rows, args.channels, wide,
                        {x_size + size_of(args.dy_dtype), x_size + 4}, args.instance);
  if (plan.norm.instance < 0) return plan;
  const bool split = plan.norm.way == NormWay::tile_split || plan.norm.way == NormWay::block_split;
  plan.leaves_sums = split || (affine && !args.by_row);
  plan.affine_at = plan.norm.partials;
  plan.sums_at = plan.affine_at;
  if (affine && args.by_row) {
    plan.affine = ColumnGrid(1, args.samples, args.rows, plan.norm.width);
    plan.sums_at += plan.affine.workspace(2, plan.norm.width);
  }
  plan.bytes = plan.sums_at;
  if (plan.leaves_sums) plan.bytes += 2 * static_cast<size_t>(args.samples * args.channels) * sizeof(float);
  return plan;
}

template <int group, bool whole, int width, class X, class D>
cudaError_t launch_kept(const Problem& p, const NormPlan& plan, cudaStream_t stream) {
  auto* const kernel = norm_grad_kept<group, whole, width, X, D>;
  if (const cudaError_t error = allow_shared(reinterpret_cast<const void*>(kernel), plan.shared);
      error != cudaSuccess)
    return error;
  const size_t each = sizeof(X) + (whole ? sizeof(float) : sizeof(D));
  kernel<<<plan.blocks, norm_threads, plan.shared, stream>>>(p, plan.grid,
                                                             static_cast<int64_t>(plan.shared / each));
  return cudaGetLastError();
}

template <int width, class X, class D>
cudaError_t launch(const Problem& p, const GradPlan& plan, cudaStream_t stream) {
  const NormPlan& norm = plan.norm;
  const bool affine = p.args.dgamma != nullptr;
  if (affine && p.args.by_row)  // first, as dx may take dy's place
    norm_grad_affine_of_rows<width, X, D><<<plan.affine.blocks, column_threads, 0, stream>>>(
        p, plan.affine, static_cast<unsigned char*>(p.args.workspace) + plan.affine_at);
  cudaError_t error = cudaSuccess;
  switch (norm.way) {
    case NormWay::tile:
      error = launch_kept<norm_threads, false, width, X, D>(p, norm, stream);
      break;
    case NormWay::block:
      error = launch_kept<norm_threads, true, width, X, D>(p, norm, stream);
      break;
    case NormWay::warp:
      error = launch_kept<32, true, width, X, D>(p, norm, stream);
      break;
    case NormWay::tile_split:
      norm_grad_sums_of_tiles<width, X, D>
          <<<norm.columns.blocks, column_threads, 0, stream>>>(p, norm.columns);
      norm_grad_apply<false, width, X, D><<<norm.blocks, norm_threads, 0, stream>>>(p, norm.grid);
      break;
    case NormWay::block_split:
      norm_grad_sums_of_samples<width, X, D><<<norm.blocks, norm_threads, 0, stream>>>(p, norm.grid);
      norm_grad_apply<true, width, X, D><<<norm.blocks, norm_threads, 0, stream>>>(p, norm.grid);
  }
  if (error != cudaSuccess) return error;
  if (affine && !p.args.by_row)
    norm_grad_affine_of_channels<<<static_cast<unsigned>(ceil_div(2 * p.args.channels, norm_threads)),
                                   norm_threads, 0, stream>>>(p);
  return cudaGetLastError();
}

}  // namespace

int norm_grad_instance(const NormGradArgs& args) {
  return plan_of(args).norm.instance;
}

size_t norm_grad_workspace(const NormGradArgs& args) {
  return plan_of(args).bytes;
}

cudaError_t launch_norm_grad(const NormGradArgs& args, cudaStream_t stream) {
  const GradPlan plan = plan_of(args);
  if (plan.norm.instance < 0 || (args.by_row && args.channels != 1)) return cudaErrorInvalidValue;
  if ((args.dgamma == nullptr) != (args.dbeta == nullptr) || (plan.bytes > 0 && args.workspace == nullptr))
    return cudaErrorInvalidValue;
  Problem p{args};
  if (plan.leaves_sums)
    p.sums = reinterpret_cast<float*>(static_cast<unsigned char*>(args.workspace) + plan.sums_at);
  cudaError_t error = cudaSuccess;
  with_storage(args.x_dtype, [&](auto x) {
    with_storage(args.dy_dtype, [&](auto d) {
      using X = decltype(x);
      using D = decltype(d);
      error = plan.norm.width == 4 ? launch<4, X, D>(p, plan, stream) : launch<1, X, D>(p, plan, stream);
    });
  });
  return error;
}

}  // namespace agon::cuda
