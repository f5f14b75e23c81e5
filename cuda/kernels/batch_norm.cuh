#pragma once
#include <initializer_list>

#include "cuda/kernels/columns.cuh"

/// What the batch norm's passes share.
namespace agon::cuda {

/// `width` neighbouring channels from element i on.
template <int width, class T>
__device__ inline void load_row(const T* x, int64_t i, float (&v)[width]) {
  if constexpr (width == 4) {
    const float4 four = load4(x + i);
    v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
  } else {
    v[0] = load1(x + i);
  }
}
template <int width, class T>
__device__ inline void store_row(T* x, int64_t i, const float (&v)[width]) {
  if constexpr (width == 4)
    store4(x + i, {v[0], v[1], v[2], v[3]});
  else
    store1(x + i, v[0]);
}

struct RowOperand {
  const void* data;
  DType dtype;
};

/// Channels a thread: 4 where all tensors allow it and `instance` (0: scalar, 1: vector, -1: free) agrees,
/// else 1; 0 where the arguments are outside of the limits.
inline int row_width(int instance, int channels, std::initializer_list<RowOperand> tensors) {
  if (channels < 1 || instance > 1) return 0;
  bool wide = channels % 4 == 0;
  for (const RowOperand& t : tensors) {
    if (t.dtype != DType::f32 && t.dtype != DType::bf16) return 0;
    wide = wide && aligned(t.data, static_cast<size_t>(4 * size_of(t.dtype)));
  }
  if (instance == 1 && !wide) return 0;
  return wide && instance != 0 ? 4 : 1;
}

/// Calls f with a value of the storage type of `dtype`.
template <class F>
void with_storage(DType dtype, F&& f) {
  dtype == DType::bf16 ? f(uint16_t{}) : f(float{});
}

/// A pass over [rows, channels] that keeps its per-channel constants in registers: a thread stays on its
/// channels and walks down the rows of its block's share.
struct RowGrid {
  int64_t rows;
  int32_t channels, lanes = 1, tiles;
  uint32_t blocks, row_blocks;

  RowGrid(int64_t row_count, int channel_count, int width) : rows(row_count), channels(channel_count) {
    while (lanes * width < tile_columns_at_most && lanes * width < channel_count) lanes *= 2;
    tiles = static_cast<int32_t>(ceil_div(channel_count, lanes * width));
    const int64_t most = ceil_div(8192, tiles), needed = ceil_div(rows, 64);
    row_blocks = static_cast<uint32_t>(needed < most ? needed : most);
    blocks = row_blocks * static_cast<uint32_t>(tiles);
  }
};

/// body(row, column) for each of a thread's rows; `constants[k]` are load(k, channel) of its channels.
template <int count, int width, class Load, class Body>
__device__ inline void for_each_row(const RowGrid& grid, float (&constants)[count][width], Load&& load,
                                    Body&& body) {
  const auto tile = static_cast<int>(blockIdx.x % static_cast<uint32_t>(grid.tiles));
  const int64_t first = blockIdx.x / static_cast<uint32_t>(grid.tiles);
  const int lanes = grid.lanes, row_lanes = column_threads / lanes;
  const int lane = static_cast<int>(threadIdx.x) % lanes, row_lane = static_cast<int>(threadIdx.x) / lanes;
  const int column = (tile * lanes + lane) * width;
  stage_columns(tile * lanes * width, grid.channels, lane, constants, load);
  if (column >= grid.channels) return;
#pragma unroll 2
  for (int64_t row = first * row_lanes + row_lane; row < grid.rows;
       row += int64_t{grid.row_blocks} * row_lanes)
    body(row, column);
}

}  // namespace agon::cuda
