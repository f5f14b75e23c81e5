#pragma once
#include "cuda/kernels/conv_activation.cuh"
#include "cuda/kernels/conv_problem.h"
#include "cuda/kernels/conv_prologue.cuh"
#include "cuda/kernels/device.cuh"

/// From sums in registers to the result. Tiles go through shared memory, 64 rows at a time, so that whole
/// rows are written, whatever layout the main loop's registers have.
namespace agon::cuda {

/// Which tile a block makes.
struct TilePosition {
  int m_tile, n_tile, phase, group, split;
  int index;  ///< among all tiles, splits apart

  __device__ explicit TilePosition(const Problem& p) {
    n_tile = static_cast<int>(blockIdx.x) % p.n_tiles;
    m_tile = static_cast<int>(blockIdx.x) / p.n_tiles;
    int z = static_cast<int>(blockIdx.y);
    split = z % p.splits;
    z /= p.splits;
    index = z * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x);
    group = z % p.groups;
    phase = z / p.groups;
  }
};

/// Adds up what the blocks of one tile found, in the order of the splits. True in the block that has the sum.
template <int Threads, class Loop>
__device__ inline bool merge_splits(const Problem& p, const TilePosition& tile, Loop& loop) {
  const size_t tiles = gridDim.x * (gridDim.y / static_cast<unsigned>(p.splits));
  float4* partials = reinterpret_cast<float4*>(p.partials);
  const auto at = [&](int split, int i) {
    return ((static_cast<size_t>(split) * tiles + static_cast<size_t>(tile.index)) * 16 +
            static_cast<size_t>(i)) *
               Threads +
           threadIdx.x;
  };
  for (int i = 0; i < 16; ++i)
    partials[at(tile.split, i)] = {loop.sum(4 * i), loop.sum(4 * i + 1), loop.sum(4 * i + 2),
                                   loop.sum(4 * i + 3)};
  if (!last_block_done(p.counters + tile.index, static_cast<uint32_t>(p.splits))) return false;
  for (int i = 0; i < 16; ++i) {
    float4 sum = {0, 0, 0, 0};
    for (int split = 0; split < p.splits; ++split) {
      const float4 v = __ldcg(partials + at(split, i));
      sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
    }
    loop.sum(4 * i) = sum.x, loop.sum(4 * i + 1) = sum.y, loop.sum(4 * i + 2) = sum.z,
                 loop.sum(4 * i + 3) = sum.w;
  }
  return true;
}

template <int TileM, int TileN, class Loop>
class TileEpilogue {
 public:
  static constexpr int threads = TileM * TileN / 64, pitch = TileN + Loop::pitch_pad;
  static constexpr int lanes = TileN / 4, step = threads / lanes;
  static constexpr int bytes = 64 * pitch * static_cast<int>(sizeof(float));

  __device__ TileEpilogue(const Problem& p, const TilePosition& tile)
      : p_(p),
        tile_(tile),
        activation_(p.epilogue.activation),
        column_(static_cast<int>(threadIdx.x) % lanes * 4),
        row_(static_cast<int>(threadIdx.x) / lanes),
        n_(tile.n_tile * TileN + column_),
        channel_(tile.group * p.result_channel_group + n_) {
    for (int i = 0; i < 4; ++i)
      bias_[i] = p.epilogue.bias && n_ + i < p.n ? p.epilogue.bias[channel_ + i] : 0;
  }

  /// `stage` overlays the main loop's tiles; `results` tells where rows go, -1 for none.
  __device__ void run(const Loop& loop, int warp_m, float* stage, const int* results) {
    for (int half = 0; half < TileM / 64; ++half) {
      __syncthreads();
      if (warp_m == half) loop.store(stage, pitch);
      __syncthreads();
      if (half == 0) {
        read(shift_, stage);
        activation_.apply(shift_);
      }
      for (int row = row_; row < 64; row += step) {
        const int result = results[half * 64 + row];
        if (result >= 0) finish(stage + row * pitch, result);
      }
    }
    if (p_.epilogue.stats_sums != nullptr) statistics(stage);
  }

 private:
  __device__ void read(float (&v)[4], const float* row) const {
    const float4 s = *reinterpret_cast<const float4*>(row + column_);
    v[0] = s.x + bias_[0], v[1] = s.y + bias_[1], v[2] = s.z + bias_[2], v[3] = s.w + bias_[3];
  }

  __device__ void finish(const float* row, int result) {
    float v[4];
    read(v, row);
    activation_.apply(v);
    ++count_;
    if (p_.epilogue.stats_sums != nullptr)
      for (int i = 0; i < 4; ++i) {
        const float d = v[i] - shift_[i];
        sums_[i] += d;
        squares_[i] = fmaf(d, d, squares_[i]);
      }
    const int64_t at = tile_.group * p_.result_group + result + n_;
    if (p_.result_dtype == DType::f32)
      write(static_cast<float*>(p_.result) + at, v);
    else
      write(static_cast<uint16_t*>(p_.result) + at, v);
  }

  template <class T>
  __device__ void write(T* to, float (&v)[4]) const {
    if (p_.result_vectors) {
      if (n_ >= p_.n) return;
      if (p_.epilogue.accumulate) {
        const float4 old = load4(to);
        v[0] += old.x, v[1] += old.y, v[2] += old.z, v[3] += old.w;
      }
      store4(to, {v[0], v[1], v[2], v[3]});
    } else {
      for (int i = 0; i < 4; ++i)
        if (n_ + i < p_.n) store1(to + i, p_.epilogue.accumulate ? v[i] + load1(to + i) : v[i]);
    }
  }

  /// One partial of the batch norm's statistics: sums, and squares about the tile's own mean. Taken about the
  /// tile's first row, so that a mean far from 0 costs no digits.
  __device__ void statistics(float* stage) const {
    float* squares = stage + step * TileN;
    int* counts = reinterpret_cast<int*>(squares + step * TileN);
    __syncthreads();
    write_elements<float>(stage + row_ * TileN + column_, sums_);
    write_elements<float>(squares + row_ * TileN + column_, squares_);
    if (column_ == 0) counts[row_] = count_;
    __syncthreads();
    if (row_ != 0) return;
    const int part = tile_.phase * p_.m_tiles + tile_.m_tile;
    int count = 0;
    for (int row = 0; row < step; ++row) count += counts[row];
    for (int i = 0; i < 4 && n_ + i < p_.n; ++i) {
      float sum = 0, square = 0;
      for (int row = 0; row < step; ++row) {
        sum += stage[row * TileN + column_ + i];
        square += squares[row * TileN + column_ + i];
      }
      const int64_t at = static_cast<int64_t>(part) * p_.result_channels + channel_ + i;
      const float n = static_cast<float>(count);
      p_.epilogue.stats_sums[at] = fmaf(n, shift_[i], sum);
      p_.epilogue.stats_squares[at] = count > 0 ? fmaxf(square - sum * sum / n, 0.0f) : 0.0f;
      if (at % p_.epilogue.stats_channels == 0)
        p_.epilogue.stats_counts[at / p_.epilogue.stats_channels] = count;
    }
  }

  const Problem& p_;
  const TilePosition& tile_;
  PiecewiseActivation activation_;
  int column_, row_, n_, channel_, count_ = 0;
  float bias_[4], shift_[4], sums_[4] = {}, squares_[4] = {};
};

}  // namespace agon::cuda
