#pragma once
#include "cuda/kernels/conv_async.cuh"
#include "cuda/kernels/conv_layout.cuh"

namespace agon::cuda {

/// The main loop on tensor cores: a warp makes 64 x 32 results as 4 x 4 products of 16 x 8. T is float (tf32)
/// or uint16_t (bf16); a step of k is 32 bytes of either.
template <class T, class LayoutA, class LayoutB>
class MmaLoop {
 public:
  static constexpr int k_step = 32 / static_cast<int>(sizeof(T));
  /// Keeps the stores of a tile of results apart in the banks.
  static constexpr int pitch_pad = 8;

  __device__ MmaLoop(int warp_m, int warp_n) : m_(warp_m * 64), n_(warp_n * 32), lane_(threadIdx.x % 32) {}

  /// Adds `steps` (1 or 2) steps of k_step from a stage.
  __device__ void multiply(const char* a, const char* b, int steps) {
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      if (step >= steps) break;
      uint32_t y[4][2];
      for (int j = 0; j < 4; j += 2) read_b(y[j], y[j + 1], b, n_ + j * 8, step * k_step);
      for (int i = 0; i < 4; ++i) {
        uint32_t x[4];
        read_a(x, a, m_ + i * 16, step * k_step);
        for (int j = 0; j < 4; ++j) multiply_accumulate<T>(sums_[i][j], x, y[j]);
      }
    }
  }

  __device__ float& sum(int i) {
    return sums_[i / 16][i / 4 % 4][i % 4];
  }

  /// Writes the warp's results to rows of `pitch` floats, the first of which is its own first row.
  __device__ void store(float* rows, int pitch) const {
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        for (int half = 0; half < 2; ++half)
          *reinterpret_cast<float2*>(rows + (i * 16 + half * 8 + lane_ / 4) * pitch + n_ + j * 8 +
                                     lane_ % 4 * 2) = {sums_[i][j][2 * half], sums_[i][j][2 * half + 1]};
  }

 private:
  /// Rows m .. m + 15 of A, 32 bytes of k.
  __device__ void read_a(uint32_t (&x)[4], const char* tile, int m, int k) {
    constexpr int half = k_step / 2;
    if constexpr (LayoutA::k_major) {
      load_matrices(x, shared_address(tile + LayoutA::offset(m + lane_ % 16, k + lane_ / 16 * half)));
    } else if constexpr (sizeof(T) == 2) {
      load_matrices_transposed(
          x, shared_address(tile + LayoutA::offset(m + lane_ / 8 % 2 * 8, k + lane_ % 8 + lane_ / 16 * 8)));
    } else {
      for (int e = 0; e < 4; ++e)
        x[e] = *reinterpret_cast<const uint32_t*>(
            tile + LayoutA::offset(m + lane_ / 4 + e % 2 * 8, k + lane_ % 4 + e / 2 * 4));
    }
    round(x);
  }
  /// Columns n .. n + 7 and n + 8 .. n + 15 of B, 32 bytes of k.
  __device__ void read_b(uint32_t (&low)[2], uint32_t (&high)[2], const char* tile, int n, int k) {
    constexpr int half = k_step / 2;
    uint32_t y[4];
    if constexpr (LayoutB::k_major) {
      load_matrices(y, shared_address(
                           tile + LayoutB::offset(n + lane_ % 8 + lane_ / 16 * 8, k + lane_ / 8 % 2 * half)));
    } else if constexpr (sizeof(T) == 2) {
      load_matrices_transposed(
          y, shared_address(tile + LayoutB::offset(n + lane_ / 16 * 8, k + lane_ % 8 + lane_ / 8 % 2 * 8)));
    } else {
      for (int e = 0; e < 4; ++e)
        y[e] = *reinterpret_cast<const uint32_t*>(
            tile + LayoutB::offset(n + lane_ / 4 + e / 2 * 8, k + lane_ % 4 + e % 2 * 4));
    }
    round(y);
    low[0] = y[0], low[1] = y[1], high[0] = y[2], high[1] = y[3];
  }
  __device__ static void round(uint32_t (&x)[4]) {
    if constexpr (sizeof(T) == 4)
      for (uint32_t& bits : x) bits = round_to_tf32(bits);
  }

  float sums_[4][4][4] = {};
  int m_, n_, lane_;
};

}  // namespace agon::cuda
