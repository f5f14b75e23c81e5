#pragma once
#include "cuda/kernels/conv_kernel.cuh"

/// Convolutions and input gradients with at most 4 channels of result (images, above all): each result is a
/// dot product over (tap, channel), taken by 8 threads that read 16 bytes of neighbouring channels each. No
/// multiplication is spent on absent channels.
///
/// Launch: a block of 128 threads makes 64 pixels (bf16: 32); a thread shares 4 (2) of them, so that weights
/// read from shared memory serve as often. Limits: one group, 16-byte aligned channels of the operand, at
/// most 64 taps. Fewest bytes: operand and result once; the operand's overlapping windows come from the
/// caches.
namespace agon::cuda {

template <Math math_, Form form_>
struct ThinOut {
  static constexpr Math math = math_;
  static constexpr Form form = form_;
  using T = std::conditional_t<math == Math::bf16, uint16_t, float>;
  static constexpr int threads = 128, tile_m = math == Math::bf16 ? 32 : 64, lanes = 8;
  static constexpr int width = 16 / static_cast<int>(sizeof(T));
  static constexpr int pixels = tile_m * lanes / threads;
  static constexpr int chunk = 64;  ///< channels whose weights are in shared memory at a time
  static constexpr int max_taps = 64, max_channels = 4;
  static constexpr bool a_gathers = true, taps_listed = true;

  /// Shared memory: rows' results, rows, taps, weights [tap][result channel][chunk].
  static constexpr int rows_at = tile_m * 4, taps_at = rows_at + tile_m * 16;
  static int shared_bytes(int taps, int channels) {
    return taps_at + taps * 16 + taps * channels * chunk * static_cast<int>(sizeof(float));
  }
};

__device__ inline void write_thin(const Problem& p, int at, int channel, float sum) {
  const float y = activate(p.epilogue.activation, p.epilogue.bias ? sum + p.epilogue.bias[channel] : sum);
  if (p.result_dtype == DType::f32) {
    float* to = static_cast<float*>(p.result) + at;
    store1(to, p.epilogue.accumulate ? y + load1(to) : y);
  } else {
    uint16_t* to = static_cast<uint16_t*>(p.result) + at;
    store1(to, p.epilogue.accumulate ? y + load1(to) : y);
  }
}

/// Where channel c of a chunk's weights lies: fours that neighbouring threads read at once are neighbours,
/// and those of 32 neighbouring channels lie in different banks.
template <class K>
__device__ inline int weight_index(int c) {
  constexpr int part = K::chunk * 4 / K::width;
  const int which = c / 4 % (K::width / 4);
  return which * part + (c / K::width * 4 + which * 16) % part + c % 4;
}
__device__ inline void read4(float* to, const float* from) {
  const float4 v = load4(from);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

template <class K, int Channels>
__device__ inline void thin_out_tile(const Problem& p, const Tables& tables, const int* results,
                                     float* weights) {
  using T = typename K::T;
  const int thread = static_cast<int>(threadIdx.x), lane = thread % K::lanes;
  const int first_row = thread / K::lanes * K::pixels;
  const T* source = static_cast<const T*>(p.a);
  const T* z = static_cast<const T*>(p.a_prologue.z);
  const T* w = static_cast<const T*>(p.b);
  float sums[K::pixels][Channels] = {};

  for (int start = 0; start < p.channels; start += K::chunk) {
    const int count = min(K::chunk, p.channels - start);
    __syncthreads();
    for (int i = thread; i < tables.tap_count * Channels * count; i += K::threads) {
      const int o = i / count % Channels, tap = i / count / Channels, c = i % count;
      const int at = K::form == Form::forward ? o * p.b_row + start + c : (start + c) * p.b_row + o;
      weights[(tap * Channels + o) * K::chunk + weight_index<K>(c)] = load1(w + tables.taps[tap].b + at);
    }
    __syncthreads();
    for (int c = lane * K::width; c < count; c += K::lanes * K::width) {
      const int channel = start + c;
      const ChannelNumbers<K::width> numbers(
          p.a_prologue, p.a_prologue.kind == PrologueKind::none ? 0 : channel % p.a_prologue.channels);
      for (int tap = 0; tap < tables.tap_count; ++tap) {
        const Tap at = tables.taps[tap];
        float v[K::pixels][K::width];
        for (int i = 0; i < K::pixels; ++i) {
          const Row row = tables.rows[first_row + i];
          const bool real = meets(p, row, at);
          const int offset = real ? row.source + at.a + channel : channel;
          read_transformed(p.a_prologue, numbers, source + offset, z + offset, v[i]);
          for (float& x : v[i]) x = real ? x : 0;
        }
        for (int o = 0; o < Channels; ++o) {
          float x[K::width];
          for (int e = 0; e < K::width; e += 4)
            read4(x + e, weights + (tap * Channels + o) * K::chunk + weight_index<K>(c + e));
          for (int i = 0; i < K::pixels; ++i)
            for (int e = 0; e < K::width; ++e) sums[i][o] = fmaf(v[i][e], x[e], sums[i][o]);
        }
      }
    }
  }

#pragma unroll
  for (int i = 0; i < K::pixels; ++i) {
    const int result = results[first_row + i];
#pragma unroll
    for (int o = 0; o < Channels; ++o) {
      float sum = sums[i][o];
      for (int distance = K::lanes / 2; distance > 0; distance /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, distance);
      if (lane == (i * Channels + o) % K::lanes && result >= 0) write_thin(p, result + o, o, sum);
    }
  }
}

template <class K>
__global__ void __launch_bounds__(K::threads, 4) thin_out(const __grid_constant__ Problem p) {
  extern __shared__ __align__(16) char shared[];
  int* results = reinterpret_cast<int*>(shared);
  Row* rows = reinterpret_cast<Row*>(shared + K::rows_at);
  Tap* taps = reinterpret_cast<Tap*>(shared + K::taps_at);
  float* weights = reinterpret_cast<float*>(shared + K::taps_at + p.taps * 16);
  const TilePosition tile(p);
  const Tables tables{rows, taps, fill_tables<K>(p, tile, rows, taps, results)};
  switch (p.n) {
    case 1:
      return thin_out_tile<K, 1>(p, tables, results, weights);
    case 2:
      return thin_out_tile<K, 2>(p, tables, results, weights);
    case 3:
      return thin_out_tile<K, 3>(p, tables, results, weights);
    default:
      return thin_out_tile<K, 4>(p, tables, results, weights);
  }
}

}  // namespace agon::cuda
