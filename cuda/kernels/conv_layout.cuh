#pragma once

/// How tiles of operands lie in shared memory. A stage of the pipeline is `tile_bytes` deep along k: 16
/// elements of f32 or 32 of bf16.
namespace agon::cuda {

constexpr int tile_bytes = 64;

template <class T>
constexpr int tile_k = tile_bytes / static_cast<int>(sizeof(T));

/// k contiguous: rows of 64 bytes, of four 16-byte chunks. Chunk c of row r lies at c ^ (r / 2 % 4), so that
/// eight consecutive rows of one chunk (ldmatrix, or a phase of 16-byte loads) touch all banks once.
template <class T, int Rows>
struct KMajor {
  static constexpr bool k_major = true;
  static constexpr int bytes = Rows * tile_bytes;
  __device__ static int offset(int row, int k) {
    const int byte = k * static_cast<int>(sizeof(T));
    return row * tile_bytes + ((byte & ~15) ^ ((row >> 1 & 3) << 4)) + (byte & 15);
  }
  /// From one row to the `rows`-th after it, for multiples of 8: there a row's chunks lie alike.
  __device__ static constexpr int distance(int rows) { return rows * tile_bytes; }
  /// offset(row + i * step, k), by a distance where that is enough.
  template <int step>
  __device__ static int offset(int row, int k, int i) {
    if constexpr (step % 8 == 0)
      return offset(row, k) + distance(i * step);
    else
      return offset(row + i * step, k);
  }
};

/// m (or n) contiguous: one row for each k, padded so that the reads of a fragment touch all banks once:
/// four rows of eight f32 each, or eight 16-byte rows of bf16.
template <class T, int Columns>
struct RowMajor {
  static constexpr bool k_major = false;
  static constexpr int row_bytes = Columns * static_cast<int>(sizeof(T)) + (sizeof(T) == 4 ? 32 : 16);
  static constexpr int bytes = tile_k<T> * row_bytes;
  __device__ static int offset(int column, int k) {
    return k * row_bytes + column * static_cast<int>(sizeof(T));
  }
  /// From one column to the `columns`-th after it.
  __device__ static constexpr int distance(int columns) { return columns * static_cast<int>(sizeof(T)); }
};

/// How much of a warp's 64 x 32 results exists. Nothing is multiplied for a warp that has none, and by loops
/// of small tiles nothing for the second half of rows or columns where it is empty.
struct WarpShare {
  bool none, half_rows, half_columns;
  __device__ WarpShare(int rows, int columns)
      : none(rows <= 0 || columns <= 0), half_rows(rows <= 32), half_columns(columns <= 16) {}
};

}  // namespace agon::cuda
