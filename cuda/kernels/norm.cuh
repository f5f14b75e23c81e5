#pragma once
#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/norm.h"
#include "cuda/kernels/shared_memory.h"

/// What the passes of instance and layer norm share: who reads which elements, and the merging of their sums.
namespace agon::cuda {

constexpr int norm_threads = column_threads;

/// The ways to run; each with 1 and with 4 elements a thread and step.
enum class NormWay : int { tile, tile_split, block, warp, block_split };

/// How a launch covers [samples, rows, channels]. A line is what a group reads at once: a row of a tile of
/// channels, or in a sample that is one group (`whole`) as much as its threads load.
struct NormGrid {
  int32_t samples = 0, size = 0, rows = 0, channels = 1;  ///< size: elements of a sample
  int32_t lanes = 1, tiles = 1;                           ///< threads along a line, tiles of channels
  int32_t lines = 0, stride = 0;                          ///< of a group; elements from one to the next
  int32_t splits = 1, lines_per_split = 0;
};

struct NormPlan {
  int instance = -1, width = 1;
  NormWay way = NormWay::tile;
  NormGrid grid;
  ColumnGrid columns;   ///< of the sums, where tiles are split
  uint32_t blocks = 0;  ///< of `grid`
  size_t shared = 0;    ///< bytes that a block keeps
  size_t partials = 0;  ///< bytes of counters and partial sums
};
/// kept[w]: bytes of shared memory an element takes in a tile (0) or as part of a whole sample (1).
NormPlan plan_norm(int64_t samples, int64_t rows, int channels, bool wide, const int (&kept)[2],
                   int instance);

/// The elements of one thread, as a member of a group of `group` threads.
template <int group, bool whole, int width>
struct Seat {
  int sample, lane, column;  ///< column: element of a line
  int line, end, step, stride;
  int64_t base;   ///< of the sample
  uint32_t unit;  ///< the group's number
  int split;

  __device__ explicit Seat(const NormGrid& grid) : stride(grid.stride) {
    const int member = static_cast<int>(threadIdx.x) % group;
    unit = blockIdx.x * (norm_threads / group) + threadIdx.x / group;
    split = static_cast<int>(unit % static_cast<uint32_t>(grid.splits));
    unit /= static_cast<uint32_t>(grid.splits);
    sample = static_cast<int>(unit / static_cast<uint32_t>(grid.tiles));
    lane = whole ? member : member % grid.lanes;
    column = (static_cast<int>(unit % static_cast<uint32_t>(grid.tiles)) * grid.lanes + lane) * width;
    step = whole ? 1 : group / grid.lanes;
    line = split * grid.lines_per_split + (whole ? 0 : member / grid.lanes);
    end = min(line - (whole ? 0 : member / grid.lanes) + grid.lines_per_split, grid.lines);
    if (whole) end = min(end, (grid.size - column + stride - 1) / stride);
    if (sample >= grid.samples || (!whole && column >= grid.channels)) end = 0;
    base = int64_t{sample} * grid.size;
  }
  __device__ int first_column() const { return column - lane * width; }
  /// Where in the statistics the sample's (first) channel is.
  __device__ int64_t statistic(const NormGrid& grid) const {
    return whole ? sample : int64_t{sample} * grid.channels;
  }
  /// body(element of the sample, slot) for all of the thread's elements, `width` at a time. A thread's slots
  /// in shared memory are no other thread's.
  template <class Body>
  __device__ void for_each(Body&& body) const {
    int slot = static_cast<int>(threadIdx.x) * width;
#pragma unroll 4
    for (int l = line; l < end; l += step, slot += norm_threads * width) body(l * stride + column, slot);
  }
};

/// Merges sums over a group, in a fixed order, and makes numbers of them that all its threads get:
/// finish(channel, totals, numbers) is called once for each column (whole: once, with channel 0).
template <int values, int numbers, int group, bool whole, int width, class Finish>
__device__ inline void conclude(const Seat<group, whole, width>& seat, const NormGrid& grid,
                                const Sum (&sums)[values][width], float (&out)[numbers][width],
                                Finish&& finish) {
  constexpr int warps = norm_threads / 32;
  const int thread = static_cast<int>(threadIdx.x);
  double totals[values];
  float made[numbers] = {};
  if constexpr (whole) {
#pragma unroll
    for (int v = 0; v < values; ++v) {
      totals[v] = 0;
#pragma unroll
      for (int k = 0; k < width; ++k) totals[v] += sums[v][k].total();
      totals[v] = warp_sum(totals[v]);
    }
    if constexpr (group == 32) {
      if (thread % 32 == 0 && seat.sample < grid.samples) finish(0, totals, made);
#pragma unroll
      for (float& number : made) number = __shfl_sync(0xffffffffu, number, 0);
    } else {
      __shared__ double parts[values][warps];
      __shared__ float all[numbers];
      if (thread % 32 == 0)
        for (int v = 0; v < values; ++v) parts[v][thread / 32] = totals[v];
      __syncthreads();
      if (thread == 0) {
        for (int v = 0; v < values; ++v) {
          totals[v] = parts[v][0];
          for (int w = 1; w < warps; ++w) totals[v] += parts[v][w];
        }
        finish(0, totals, made);
        for (int i = 0; i < numbers; ++i) all[i] = made[i];
      }
      __syncthreads();
      for (int i = 0; i < numbers; ++i) made[i] = all[i];
    }
#pragma unroll
    for (int i = 0; i < numbers; ++i)
#pragma unroll
      for (int k = 0; k < width; ++k) out[i][k] = made[i];
  } else {
    __shared__ double parts[values][warps][tile_columns_at_most];
    __shared__ float all[numbers][tile_columns_at_most];
#pragma unroll
    for (int v = 0; v < values; ++v)
#pragma unroll
      for (int k = 0; k < width; ++k) {
        double total = sums[v][k].total();
        for (int step = grid.lanes; step < 32; step *= 2) total += __shfl_xor_sync(0xffffffffu, total, step);
        if (thread % 32 < grid.lanes) parts[v][thread / 32][k * grid.lanes + seat.lane] = total;
      }
    __syncthreads();
    // Thread k * lanes + lane has column lane * width + k of the tile.
    const int column = seat.first_column() + thread % grid.lanes * width + thread / grid.lanes;
    if (thread < grid.lanes * width && column < grid.channels) {
      merge_of_warps<Sum>(parts, thread, totals);
      finish(column, totals, made);
      for (int i = 0; i < numbers; ++i) all[i][thread] = made[i];
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < numbers; ++i)
#pragma unroll
      for (int k = 0; k < width; ++k)
        out[i][k] = seat.column < grid.channels ? all[i][k * grid.lanes + seat.lane] : 0;
  }
}

/// Numbers that are known of each column (whole: of the sample), read once a block.
template <int count, int group, bool whole, int width, class Load>
__device__ inline void stage(const Seat<group, whole, width>& seat, const NormGrid& grid,
                             float (&out)[count][width], Load&& load) {
  if constexpr (whole && group == 32) {
#pragma unroll
    for (int i = 0; i < count; ++i)
#pragma unroll
      for (int k = 0; k < width; ++k) out[i][k] = seat.sample < grid.samples ? load(i, 0) : 0;
  } else if constexpr (whole) {
    __shared__ float staged[count];
    if (threadIdx.x < count) staged[threadIdx.x] = load(static_cast<int>(threadIdx.x), 0);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < count; ++i)
#pragma unroll
      for (int k = 0; k < width; ++k) out[i][k] = staged[i];
  } else {
    stage_columns(seat.first_column(), grid.channels, seat.lane, out, load);
  }
}

/// Merges the sums of a group's splits; true in the last block, whose thread 0 has the totals.
template <int values, int width>
__device__ inline bool merge_splits(const Seat<norm_threads, true, width>& seat, const NormGrid& grid,
                                    const Sum (&sums)[values][width], void* workspace,
                                    double (&totals)[values]) {
  auto* const counters = static_cast<uint32_t*>(workspace);
  auto* const partials =
      reinterpret_cast<double*>(counters + column_counters) + int64_t{seat.unit} * grid.splits * values;
#pragma unroll
  for (int v = 0; v < values; ++v) {
    totals[v] = 0;
    for (int k = 0; k < width; ++k) totals[v] += sums[v][k].total();
    totals[v] = block_sum<norm_threads>(totals[v]);
    if (threadIdx.x == 0 && grid.splits > 1) partials[seat.split * values + v] = totals[v];
  }
  if (grid.splits == 1) return true;
  if (!last_block_done(counters + seat.unit, static_cast<uint32_t>(grid.splits))) return false;
#pragma unroll
  for (int v = 0; v < values; ++v) {
    double part = 0;
    for (int s = static_cast<int>(threadIdx.x); s < grid.splits; s += norm_threads)
      part += partials[s * values + v];
    totals[v] = block_sum<norm_threads>(part);
  }
  return true;
}

template <int width>
__device__ inline void store_as(DType dtype, void* to, int64_t i, const float (&v)[width]) {
  if (dtype == DType::bf16)
    store_row(static_cast<uint16_t*>(to), i, v);
  else
    store_row(static_cast<float*>(to), i, v);
}

}  // namespace agon::cuda
