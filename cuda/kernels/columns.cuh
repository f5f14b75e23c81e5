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

/// prepare(first, lane) is called by all threads with the tile's first column;
/// accumulate(acc, outer, row, column) adds row `row`, columns column .. column + width - 1, to
/// acc[value][k]; finish(outer, column, totals) gets each column's merged values once.
template <class Acc, int values, int width, class Prepare, class Accumulate, class Finish>
__device__ inline void reduce_columns(const ColumnGrid& grid, void* workspace, Prepare&& prepare,
                                      Accumulate&& accumulate, Finish&& finish) {
  constexpr int per_block = column_threads * width;
  __shared__ double parts[values * per_block];
  const int split = static_cast<int>(blockIdx.x % static_cast<uint32_t>(grid.splits));
  const uint32_t group = blockIdx.x / static_cast<uint32_t>(grid.splits);
  const int tile = static_cast<int>(group % static_cast<uint32_t>(grid.tiles));
  const int64_t outer = group / static_cast<uint32_t>(grid.tiles);
  const int lanes = grid.lanes, row_lanes = column_threads / lanes, tile_columns = lanes * width;
  const int lane = static_cast<int>(threadIdx.x) % lanes, row_lane = static_cast<int>(threadIdx.x) / lanes;
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
    for (int k = 0; k < width; ++k)
      parts[v * per_block + (row_lane * width + k) * lanes + lane] = acc[v][k].total();
  __syncthreads();

  // From here on a thread owns a column: its place in the tile is k * lanes + lane.
  auto* const counters = static_cast<uint32_t*>(workspace);
  auto* const partials = reinterpret_cast<double*>(counters + column_counters);
  const auto column_of = [&](int place) {
    return tile * tile_columns + place % lanes * width + place / lanes;
  };
  for (int place = static_cast<int>(threadIdx.x); place < tile_columns; place += column_threads) {
    double totals[values];
#pragma unroll
    for (int v = 0; v < values; ++v) {
      totals[v] = Acc::zero();
      for (int r = 0; r < row_lanes; ++r)
        totals[v] = Acc::merge(totals[v], parts[v * per_block + r * tile_columns + place]);
    }
    if (grid.splits == 1) {
      if (column_of(place) < grid.columns) finish(outer, column_of(place), totals);
      continue;
    }
    for (int v = 0; v < values; ++v)
      partials[(int64_t{blockIdx.x} * values + v) * tile_columns + place] = totals[v];
  }
  if (grid.splits == 1 || !last_block_done(counters + group, static_cast<uint32_t>(grid.splits))) return;

  for (int place = static_cast<int>(threadIdx.x); place < tile_columns; place += column_threads) {
    if (column_of(place) >= grid.columns) continue;
    double totals[values];
    for (int v = 0; v < values; ++v) totals[v] = Acc::zero();
    for (int s = 0; s < grid.splits; ++s)
#pragma unroll
      for (int v = 0; v < values; ++v)
        totals[v] = Acc::merge(
            totals[v], partials[((int64_t{group} * grid.splits + s) * values + v) * tile_columns + place]);
    finish(outer, column_of(place), totals);
  }
}

}  // namespace agon::cuda
