#pragma once
#include "cuda/kernels/accumulate.cuh"

/// Reductions over the rows of [outer, rows, columns], each column by itself: the skeleton of reduce, of the
/// batch norm's statistics and of its backward sums.
///
/// A block takes a tile of columns, `lanes` threads wide and `width` columns a thread, and a share ("split")
/// of the rows, 256 / lanes of them at a time; neighbouring lanes read neighbouring columns. The splits of a
/// tile are merged in order by the last block to finish.
namespace agon::cuda {

constexpr int column_threads = 256, tile_columns_at_most = 32;
constexpr int column_counters = 1024;  ///< tiles that may be split, each with a counter

struct ColumnGrid {
  int64_t rows = 0, rows_per_split = 0;
  int32_t columns = 0, lanes = 1, tiles = 1, splits = 1;
  uint32_t blocks = 0;

  ColumnGrid() = default;
  ColumnGrid(int64_t outer, int64_t row_count, int64_t column_count, int width)
      : rows(row_count), columns(static_cast<int32_t>(column_count)) {
    while (lanes * width < tile_columns_at_most && int64_t{lanes} * width < column_count) lanes *= 2;
    tiles = static_cast<int32_t>(ceil_div(column_count, int64_t{lanes} * width));
    const int64_t groups = outer * tiles, at_a_time = column_threads / lanes;
    // Enough blocks for any device, each with a share worth its merging.
    int64_t want = groups > column_counters ? 1 : ceil_div(640, groups);
    const int64_t most = rows / 160;
    want = want < most ? want : most;
    rows_per_split = ceil_div(ceil_div(rows, want < 1 ? 1 : want), at_a_time) * at_a_time;
    splits = static_cast<int32_t>(rows > 0 ? ceil_div(rows, rows_per_split) : 1);
    blocks = static_cast<uint32_t>(groups * splits);
  }

  /// Counters, then partial results.
  size_t workspace(int values, int width) const {
    return splits == 1 ? 0
                       : column_counters * sizeof(uint32_t) +
                             size_t{blocks} * static_cast<size_t>(lanes * width * values) * sizeof(double);
  }
};

/// Per-column constants, read once a block: out[k][i] = load(k, first + lane * width + i).
template <int count, int width, class Load>
__device__ inline void stage_columns(int first, int columns, int lane, float (&out)[count][width],
                                     Load&& load) {
  __shared__ float staged[count][tile_columns_at_most];
  for (int place = static_cast<int>(threadIdx.x); place < count * tile_columns_at_most;
       place += column_threads) {
    const int k = place / tile_columns_at_most, column = first + place % tile_columns_at_most;
    if (column < columns) staged[k][place % tile_columns_at_most] = load(k, column);
  }
  __syncthreads();
#pragma unroll
  for (int k = 0; k < count; ++k)
#pragma unroll
    for (int i = 0; i < width; ++i)
      if (first + lane * width + i < columns) out[k][i] = staged[k][lane * width + i];
}

/// Merges what the block's warps hold of each column of a tile, in a fixed order: parts[value][warp][place],
/// to the first 32 threads, each its place.
template <class Acc, int values>
__device__ inline void merge_of_warps(
    const double (&parts)[values][column_threads / 32][tile_columns_at_most], int place,
    double (&totals)[values]) {
#pragma unroll
  for (int v = 0; v < values; ++v) {
    totals[v] = parts[v][0][place];
#pragma unroll
    for (int w = 1; w < column_threads / 32; ++w) totals[v] = Acc::merge(totals[v], parts[v][w][place]);
  }
}

/// prepare(first, lane) is called by all threads with the tile's first column;
/// accumulate(acc, outer, row, column) adds row `row`, columns column .. column + width - 1, to
/// acc[value][k]; finish(outer, column, totals) gets each column's merged values once.
template <class Acc, int values, int width, class Prepare, class Accumulate, class Finish>
__device__ inline void reduce_columns(const ColumnGrid& grid, void* workspace, Prepare&& prepare,
                                      Accumulate&& accumulate, Finish&& finish) {
  constexpr int warps = column_threads / 32;
  __shared__ double parts[values][warps][tile_columns_at_most];
  const int split = static_cast<int>(blockIdx.x % static_cast<uint32_t>(grid.splits));
  const uint32_t group = blockIdx.x / static_cast<uint32_t>(grid.splits);
  const int tile = static_cast<int>(group % static_cast<uint32_t>(grid.tiles));
  const int64_t outer = group / static_cast<uint32_t>(grid.tiles);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32;
  const int lanes = grid.lanes, row_lanes = column_threads / lanes, tile_columns = lanes * width;
  const int lane = thread % lanes, row_lane = thread / lanes;
  const int column = tile * tile_columns + lane * width;

  prepare(tile * tile_columns, lane);
  Acc acc[values][width];
  const int64_t begin = split * grid.rows_per_split;
  const int64_t end = begin + grid.rows_per_split < grid.rows ? begin + grid.rows_per_split : grid.rows;
  if (column < grid.columns) {
#pragma unroll 2
    for (int64_t row = begin + row_lane; row < end; row += row_lanes) accumulate(acc, outer, row, column);
  }
#pragma unroll
  for (int v = 0; v < values; ++v)
#pragma unroll
    for (int k = 0; k < width; ++k) {
      double total = acc[v][k].total();
      for (int step = lanes; step < 32; step *= 2)
        total = Acc::merge(total, __shfl_xor_sync(0xffffffffu, total, step));
      if (thread % 32 < lanes) parts[v][warp][k * lanes + lane] = total;
    }
  __syncthreads();

  // From here on a thread owns the column at its place in the tile: place = k * lanes + lane.
  auto* const counters = static_cast<uint32_t*>(workspace);
  auto* const partials = reinterpret_cast<double*>(counters + column_counters);
  const int place = thread % 32, own = tile * tile_columns + place % lanes * width + place / lanes;
  const bool owns = place < tile_columns && own < grid.columns;
  double totals[values];
  if (warp == 0 && owns) {
    merge_of_warps<Acc>(parts, place, totals);
    if (grid.splits == 1) finish(outer, own, totals);
#pragma unroll
    for (int v = 0; v < values; ++v)
      if (grid.splits > 1) partials[(int64_t{blockIdx.x} * values + v) * tile_columns + place] = totals[v];
  }
  if (grid.splits == 1 || !last_block_done(counters + group, static_cast<uint32_t>(grid.splits))) return;

  if (owns) {
#pragma unroll
    for (int v = 0; v < values; ++v) totals[v] = Acc::zero();
#pragma unroll 4
    for (int s = warp; s < grid.splits; s += warps)
#pragma unroll
      for (int v = 0; v < values; ++v)
        totals[v] = Acc::merge(
            totals[v], partials[((int64_t{group} * grid.splits + s) * values + v) * tile_columns + place]);
#pragma unroll
    for (int v = 0; v < values; ++v) parts[v][warp][place] = totals[v];
  }
  __syncthreads();
  if (warp != 0 || !owns) return;
  merge_of_warps<Acc>(parts, place, totals);
  finish(outer, own, totals);
}

}  // namespace agon::cuda
