#pragma once
#include "cuda/kernels/conv_layout.cuh"
#include "cuda/kernels/device.cuh"

namespace agon::cuda {

/// The main loop in f32: a warp makes 64 x 32 results, a thread 8 x 8 of them, by loads from shared memory
/// that cover 4 steps of k. T is the operands' type; `Unrolled`: whole stages are one run of instructions;
/// `Halves`: empty halves of rows and columns are left out.
template <class T, class LayoutA, class LayoutB, bool Unrolled, bool Halves>
class FmaLoop {
 public:
  static constexpr int k_step = 4, full = tile_k<T> / k_step;
  /// Keeps the stores of a tile of results apart in the banks.
  static constexpr int pitch_pad = LayoutA::k_major && !LayoutB::k_major ? 16 : 4;

  __device__ FmaLoop(int warp_m, int warp_n, WarpShare share)
      : m_(warp_m * 64),
        n_(warp_n * 32),
        lane_m_(threadIdx.x % 32 / 4),
        lane_n_(threadIdx.x % 4),
        share_(share) {}

  /// Adds a stage, of which `left` (or more) elements along k are real.
  __device__ void multiply(const char* a, const char* b, int left) {
    if (share_.none) return;
    const int steps = (min(left, tile_k<T>) + k_step - 1) / k_step;
    if (Unrolled && steps == full) {
#pragma unroll
      for (int step = 0; step < full; ++step) multiply_step(a, b, step * k_step);
    } else {
#pragma unroll 1
      for (int step = 0; step < steps; ++step) multiply_step(a, b, step * k_step);
    }
  }

  __device__ float& sum(int i) {
    return sums_[i];
  }

  /// Writes the warp's results to rows of `pitch` floats, the first of which is its own first row.
  __device__ void store(float* rows, int pitch) const {
    for (int i = 0; i < 8; ++i) {
      float* to = rows + (row(i) - m_) * pitch;
      if constexpr (LayoutB::k_major) {
        for (int j = 0; j < 8; ++j) to[column(j)] = sums_[i * 8 + j];
      } else {
        for (int j = 0; j < 8; j += 4)
          store4(to + column(j),
                 {sums_[i * 8 + j], sums_[i * 8 + j + 1], sums_[i * 8 + j + 2], sums_[i * 8 + j + 3]});
      }
    }
  }

 private:
  __device__ void multiply_step(const char* a, const char* b, int k) {
    if constexpr (LayoutA::k_major && LayoutB::k_major) {
      float x[8][4], y[4];
      for (int i = 0; i < 8; ++i) read_row<LayoutA>(x[i], a, row(i), k);
      for (int j = 0; j < 8; ++j) {
        if (Halves && j == 4 && share_.half_columns) break;
        read_row<LayoutB>(y, b, column(j), k);
        for (int e = 0; e < 4; ++e)
          for (int i = 0; i < 8; ++i) add(i, j, x[i][e], y[e]);
      }
    } else {
      float x[8][4], y[8][4];
      read_all<LayoutA>(
          x, a, [&](int i) { return row(i); }, k);
      read_all<LayoutB>(
          y, b, [&](int j) { return column(j); }, k);
      // k outermost: pairs of products, where a device has them, want each number twice.
      for (int e = 0; e < 4; ++e)
        for (int i = 0; i < 8; i += 4) {
          if (Halves && i == 4 && share_.half_rows) break;
          for (int j = 0; j < 8; j += 4) {
            if (Halves && j == 4 && share_.half_columns) break;
            for (int l = 0; l < 16; ++l) add(i + l / 4, j + l % 4, x[i + l / 4][e], y[j + l % 4][e]);
          }
        }
    }
  }
  __device__ void add(int i, int j, float x, float y) {
    sums_[i * 8 + j] = fmaf(x, y, sums_[i * 8 + j]);
  }

  /// The thread's i-th row of the block's tile; 8 threads share the warp's 64.
  __device__ int row(int i) const {
    return m_ + (LayoutA::k_major ? lane_m_ + 8 * i : 4 * lane_m_ + i % 4 + 32 * (i / 4));
  }
  /// The thread's j-th column; 4 threads share the warp's 32.
  __device__ int column(int j) const {
    return n_ + (LayoutB::k_major ? lane_n_ + 4 * j : 4 * lane_n_ + j % 4 + 16 * (j / 4));
  }

  __device__ static float4 read4(const char* tile, int at) {
    return load4(reinterpret_cast<const T*>(tile + at));
  }
  /// Four steps of k in one row of a k-major tile.
  template <class Layout>
  __device__ static void read_row(float (&to)[4], const char* tile, int row, int k) {
    const float4 v = read4(tile, Layout::offset(row, k));
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
  }
  /// Four steps of k in the eight rows that `index` names.
  template <class Layout, class Index>
  __device__ static void read_all(float (&to)[8][4], const char* tile, Index&& index, int k) {
    if constexpr (Layout::k_major) {
      for (int i = 0; i < 8; ++i) read_row<Layout>(to[i], tile, index(i), k);
    } else {
      for (int e = 0; e < 4; ++e)
        for (int i = 0; i < 8; i += 4) {
          const float4 v = read4(tile, Layout::offset(index(i), k + e));
          to[i][e] = v.x, to[i + 1][e] = v.y, to[i + 2][e] = v.z, to[i + 3][e] = v.w;
        }
    }
  }

  float sums_[64] = {};
  int m_, n_, lane_m_, lane_n_;
  WarpShare share_;
};

}  // namespace agon::cuda
