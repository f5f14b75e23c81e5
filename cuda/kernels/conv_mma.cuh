#pragma once
#include "cuda/kernels/conv_async.cuh"
#include "cuda/kernels/conv_layout.cuh"

namespace agon::cuda {

/// The main loop on tensor cores: a warp makes 64 x 32 results as 4 x 4 products of 16 x 8. T is float (tf32)
/// or uint16_t (bf16); a step of k is 32 bytes of either. `Halves`: empty halves of rows and columns are left
/// out.
template <class T, class LayoutA, class LayoutB, bool Halves>
class MmaLoop {
 public:
  static constexpr int k_step = 32 / static_cast<int>(sizeof(T));
  /// Keeps the stores of a tile of results apart in the banks.
  static constexpr int pitch_pad = 8;

  __device__ MmaLoop(int warp_m, int warp_n, WarpShare share)
      : n_(warp_n * 32), lane_(threadIdx.x % 32), share_(share) {
    const int m = warp_m * 64;
    for (int step = 0; step < 2; ++step)
      a_[step] = kept(lane_of_a(m, step)), b_[step] = kept(lane_of_b(n_, step));
  }

  /// Adds a stage; what lies beyond the last k is zeros.
  __device__ void multiply(const char* a, const char* b, int) {
    if (share_.none) return;
    const uint32_t a_tile = shared_address(a), b_tile = shared_address(b);
    for (int step = 0; step < 2; ++step) multiply_step(a_tile + a_[step], b_tile + b_[step]);
  }

  __device__ float& sum(int i) { return sums_[i / 16][i / 4 % 4][i % 4]; }

  /// Writes the warp's results to rows of `pitch` floats, the first of which is its own first row.
  __device__ void store(float* rows, int pitch) const {
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        for (int half = 0; half < 2; ++half)
          *reinterpret_cast<float2*>(rows + (i * 16 + half * 8 + lane_ / 4) * pitch + n_ + j * 8 +
                                     lane_ % 4 * 2) = {sums_[i][j][2 * half], sums_[i][j][2 * half + 1]};
  }

 private:
  /// Where in a tile this lane begins to read 16 rows of A at m, and 16 columns of B at n, for a step of k.
  /// The products further along m or n lie at constant distances from there.
  __device__ int lane_of_a(int m, int step) const {
    const int k = step * k_step;
    if constexpr (LayoutA::k_major)
      return LayoutA::offset(m + lane_ % 16, k + lane_ / 16 * (k_step / 2));
    else if constexpr (sizeof(T) == 2)
      return LayoutA::offset(m + lane_ / 8 % 2 * 8, k + lane_ % 8 + lane_ / 16 * 8);
    else
      return LayoutA::offset(m + lane_ / 4, k + lane_ % 4);
  }
  __device__ int lane_of_b(int n, int step) const {
    const int k = step * k_step;
    if constexpr (LayoutB::k_major)
      return LayoutB::offset(n + lane_ % 8 + lane_ / 16 * 8, k + lane_ / 8 % 2 * (k_step / 2));
    else if constexpr (sizeof(T) == 2)
      return LayoutB::offset(n + lane_ / 16 * 8, k + lane_ % 8 + lane_ / 8 % 2 * 8);
    else
      return LayoutB::offset(n + lane_ / 4, k + lane_ % 4);
  }

  __device__ void multiply_step(uint32_t a, uint32_t b) {
    uint32_t y[4][2];
    for (int j = 0; j < 4; j += 2) {
      if (Halves && j == 2 && share_.half_columns) break;
      read_b(y[j], y[j + 1], b + LayoutB::distance(j * 8));
    }
    for (int i = 0; i < 4; ++i) {
      if (Halves && i == 2 && share_.half_rows) break;
      uint32_t x[4];
      read_a(x, a + LayoutA::distance(i * 16));
      for (int j = 0; j < 4; ++j) {
        if (Halves && j == 2 && share_.half_columns) break;
        multiply_accumulate<T>(sums_[i][j], x, y[j]);
      }
    }
  }

  /// 16 rows of A, 32 bytes of k.
  __device__ static void read_a(uint32_t (&x)[4], uint32_t at) {
    if constexpr (LayoutA::k_major) {
      load_matrices(x, at);
    } else if constexpr (sizeof(T) == 2) {
      load_matrices_transposed(x, at);
    } else {
      for (int e = 0; e < 4; ++e)
        x[e] = load_shared(at + LayoutA::distance(e % 2 * 8) + e / 2 * 4 * LayoutA::row_bytes);
    }
    round(x);
  }
  /// 8 columns of B and the next 8, 32 bytes of k.
  __device__ static void read_b(uint32_t (&low)[2], uint32_t (&high)[2], uint32_t at) {
    uint32_t y[4];
    if constexpr (LayoutB::k_major) {
      load_matrices(y, at);
    } else if constexpr (sizeof(T) == 2) {
      load_matrices_transposed(y, at);
    } else {
      for (int e = 0; e < 4; ++e)
        y[e] = load_shared(at + LayoutB::distance(e / 2 * 8) + e % 2 * 4 * LayoutB::row_bytes);
    }
    round(y);
    low[0] = y[0], low[1] = y[1], high[0] = y[2], high[1] = y[3];
  }
  __device__ static void round(uint32_t (&x)[4]) {
    if constexpr (sizeof(T) == 4)
      for (uint32_t& bits : x) bits = round_to_tf32(bits);
  }

  float sums_[4][4][4] = {};
  int n_, lane_, a_[2], b_[2];
  WarpShare share_;
};

}  // namespace agon::cuda
