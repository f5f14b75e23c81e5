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
/// channels and walks down the rows.
struct RowGrid {
  int64_t rows;
  int32_t channels, lanes, tiles;
  uint32_t blocks, row_blocks;

  RowGrid(int64_t row_count, int channel_count, int width) : rows(row_count), channels(channel_count) {
    const int64_t vectors = ceil_div(channel_count, width);
    for (lanes = 1; lanes < column_threads && lanes < vectors;) lanes *= 2;
    tiles = static_cast<int32_t>(ceil_div(vectors, lanes));
    const int64_t at_a_time = column_threads / lanes, most = ceil_div(4096, tiles);
    const int64_t needed = ceil_div(rows, at_a_time * 4);
    row_blocks = static_cast<uint32_t>(needed < most ? needed : most);
    blocks = row_blocks * static_cast<uint32_t>(tiles);
  }
};

/// setup(column) once a thread, then body(row, column) for each of its rows.
template <int width, class Setup, class Body>
__device__ inline void for_each_row(const RowGrid& grid, Setup&& setup, Body&& body) {
  const auto tile = blockIdx.x % static_cast<uint32_t>(grid.tiles);
  const auto first = blockIdx.x / static_cast<uint32_t>(grid.tiles);
  const auto lanes = static_cast<uint32_t>(grid.lanes), row_lanes = column_threads / lanes;
  const int column = static_cast<int>((tile * lanes + threadIdx.x % lanes) * width);
  if (column >= grid.channels) return;
  setup(column);
#pragma unroll 2
  for (int64_t row = first * row_lanes + threadIdx.x / lanes; row < grid.rows;
       row += int64_t{grid.row_blocks} * row_lanes)
    body(row, column);
}

}  // namespace agon::cuda
