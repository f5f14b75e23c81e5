#pragma once
#include "cuda/kernels/conv_kernel.cuh"

/// Gradients of weights that have at most 4 channels on one side. The other, dense side is read once, 64
/// channels of 32 pixels at a time; beside each of its pixels lies a patch of (tap, thin channel) numbers of
/// the thin side, and the gradient is the sum of the products of the two.
///
/// x thin: pixels are y's, a patch is what the window sees of x. y thin: pixels are x's, a patch is the
/// pixels of y whose windows see that pixel of x.
/// Launch: 256 threads; a thread keeps 2 dense channels by up to 8 numbers of the patch; blocks share the
/// pixels and are added up in order. Limits: one group, 16-byte
/// aligned dense channels.
/// Fewest bytes: x and y once (the thin side's overlapping patches come from the caches).
namespace agon::cuda {

template <Math math_, bool x_is_thin_>
struct ThinWeights {
  static constexpr Math math = math_;
  static constexpr bool x_is_thin = x_is_thin_;
  using T = std::conditional_t<math == Math::bf16, uint16_t, float>;
  static constexpr int threads = 256, dense_tile = 64, patch_tile = 64, pixels = 32;
  static constexpr int width = 16 / static_cast<int>(sizeof(T));
  static constexpr int patch_pitch =
      pixels + 4;  ///< keeps 16-byte reads aligned, spreads the writes over banks
  static constexpr int numbers = patch_tile / (threads / 32);
};

/// Sums the first `Count` numbers of a warp's share of the patch (numbers warp, warp + 8, ..) for the
/// thread's first `Channels` dense channels.
template <class K, int Channels, int Count>
__device__ inline void add_patches(float (&sums)[K::numbers][2], const float (*dense)[K::dense_tile],
                                   const float (*patch)[K::patch_pitch]) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll 2
  for (int pixel = 0; pixel < K::pixels; pixel += 4) {
    float d[4][Channels];
    for (int i = 0; i < 4; ++i)
      for (int e = 0; e < Channels; ++e) d[i][e] = dense[pixel + i][lane + e * 32];
    for (int j = 0; j < Count; ++j) {
      float v[4];
      read_elements<float>(v, &patch[warp + j * 8][pixel]);
      for (int i = 0; i < 4; ++i)
        for (int e = 0; e < Channels; ++e) sums[j][e] = fmaf(v[i], d[i][e], sums[j][e]);
    }
  }
}

/// The same for `own` numbers, at most `Most`.
template <class K, int Channels, int Most = K::numbers>
__device__ inline void add_own_patches(int own, float (&sums)[K::numbers][2],
                                       const float (*dense)[K::dense_tile],
                                       const float (*patch)[K::patch_pitch]) {
  if (own == Most)
    add_patches<K, Channels, Most>(sums, dense, patch);
  else if constexpr (Most > 1)
    add_own_patches<K, Channels, Most - 1>(own, sums, dense, patch);
}

/// Stores the numbers of a thread, whose neighbours' lie beside them. Eight of f32 take two stores; threads
/// that would meet in a bank take them in turn.
template <int Width>
__device__ inline void spread(float* to, const float (&v)[Width]) {
  if constexpr (Width == 8) {
    const int swap = static_cast<int>(threadIdx.x) / 4 % 2;
    auto* fours = reinterpret_cast<float4*>(to);
    for (int half = 0; half < 2; ++half) {
      const int part = (half + swap) % 2;
      fours[part] = {part ? v[4] : v[0], part ? v[5] : v[1], part ? v[6] : v[2], part ? v[7] : v[3]};
    }
  } else {
    write_elements<float>(to, v);
  }
}

/// Where number (tap, channel) of the patch beside a dense pixel lies in the thin tensor; -1: outside.
template <class K>
__device__ inline int thin_offset(const Problem& p, int image, const int (&at)[3], int tap, int channel) {
  int offset = image;
  int taps[3];
  for (int axis = 2; axis >= 0; --axis) {
    taps[axis] = tap % p.kernel[axis];
    tap /= p.kernel[axis];
  }
  bool inside = true;
  for (int axis = 0; axis < 3; ++axis) {
    int coordinate;
    if constexpr (K::x_is_thin) {
      coordinate = at[axis] * p.stride[axis] - p.pad[axis] + taps[axis] * p.dilation[axis];
      inside &= coordinate >= 0;
    } else {
      const int shifted = at[axis] + p.pad[axis] - taps[axis] * p.dilation[axis];
      coordinate = shifted / p.stride[axis];
      inside &= shifted >= 0 && coordinate * p.stride[axis] == shifted;
    }
    const int extent = K::x_is_thin ? p.source[axis] : p.pixels[axis];
    inside &= coordinate < extent;
    offset = offset * extent + coordinate;
  }
  return inside ? offset * (K::x_is_thin ? p.source_row : p.a_row) + channel : -1;
}

template <class K>
__global__ void __launch_bounds__(K::threads, 1) thin_weights(const __grid_constant__ Problem p) {
  using T = typename K::T;
  __shared__ __align__(16) float dense[K::pixels][K::dense_tile];
  __shared__ __align__(16) float patch[K::patch_tile][K::patch_pitch];
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
  const TilePosition tile(p);

  // The dense side: y for a thin x, x for a thin y.
  const Prologue& dense_prologue = K::x_is_thin ? p.a_prologue : p.b_prologue;
  const Prologue& thin_prologue = K::x_is_thin ? p.b_prologue : p.a_prologue;
  const T* dense_source = static_cast<const T*>(K::x_is_thin ? p.a : p.b);
  const T* dense_z = static_cast<const T*>(dense_prologue.z);
  const T* thin_source = static_cast<const T*>(K::x_is_thin ? p.b : p.a);
  const T* thin_z = static_cast<const T*>(thin_prologue.z);
  const int dense_row = K::x_is_thin ? p.a_row : p.source_row;
  const int dense_channels = K::x_is_thin ? p.m : p.channels, thin_channels = K::x_is_thin ? p.channels : p.m;
  const int(&extent)[3] = K::x_is_thin ? p.pixels : p.source;
  const int first_channel = tile.m_tile * K::dense_tile, first_number = tile.n_tile * K::patch_tile;
  const int numbers = min(p.taps * thin_channels - first_number, K::patch_tile);

  // A thread always reads the same channels of the dense side.
  constexpr int lanes = K::dense_tile / K::width, step = K::threads / lanes;
  const int column = thread % lanes * K::width, channel = first_channel + column;
  const bool column_real = channel < dense_channels;
  const ChannelNumbers<K::width> dense_numbers(
      dense_prologue,
      column_real && dense_prologue.kind != PrologueKind::none ? channel % dense_prologue.channels : 0);

  const int count = p.images * extent[0] * extent[1] * extent[2];
  const int chunks = (count + K::pixels - 1) / K::pixels;
  const int first = static_cast<int>(static_cast<int64_t>(chunks) * tile.split / p.splits);
  const int end = static_cast<int>(static_cast<int64_t>(chunks) * (tile.split + 1) / p.splits);
  const int own = max(numbers - warp + 7, 0) / 8, own_channels = dense_channels - first_channel;
  float sums[K::numbers][2] = {};
  for (int k = first; k < end; ++k) {
    __syncthreads();
    for (int row = thread / lanes; row < K::pixels; row += step) {
      const int pixel = k * K::pixels + row;
      float v[K::width];
      const bool real = column_real && pixel < count;
      const int64_t at = real ? static_cast<int64_t>(pixel) * dense_row + channel : 0;
      read_transformed(dense_prologue, dense_numbers, dense_source + at, dense_z + at, v);
      for (float& x : v) x = real ? x : 0;
      spread(&dense[row][column], v);
    }
    {
      int at[3], image = k * K::pixels + lane;
      for (int axis = 2; axis >= 0; --axis) {
        at[axis] = image % extent[axis];
        image /= extent[axis];
      }
      for (int j = warp; j < numbers; j += K::threads / 32) {
        const int number = first_number + j, c = number % thin_channels;
        const int offset = image < p.images ? thin_offset<K>(p, image, at, number / thin_channels, c) : -1;
        float v[1] = {0};
        if (offset >= 0) {
          const ChannelNumbers<1> thin_numbers(thin_prologue, c);
          read_transformed(thin_prologue, thin_numbers, thin_source + offset, thin_z + offset, v);
        }
        patch[j][lane] = v[0];
      }
    }
    __syncthreads();
    if (own_channels > 32)
      add_own_patches<K, 2>(own, sums, dense, patch);
    else if (lane < own_channels)
      add_own_patches<K, 1>(own, sums, dense, patch);
  }

  if (p.splits > 1) {
    const size_t tiles = gridDim.x;
    const auto at = [&](int split, int i) {
      return ((static_cast<size_t>(split) * tiles + blockIdx.x) * K::numbers * 2 + static_cast<size_t>(i)) *
                 K::threads +
             threadIdx.x;
    };
    for (int i = 0; i < K::numbers * 2; ++i) p.partials[at(tile.split, i)] = sums[i / 2][i % 2];
    if (!last_block_done(p.counters + blockIdx.x, static_cast<uint32_t>(p.splits))) return;
    for (int i = 0; i < K::numbers * 2; ++i) {
      float sum = 0;
      for (int split = 0; split < p.splits; ++split) sum += __ldcg(p.partials + at(split, i));
      sums[i / 2][i % 2] = sum;
    }
  }
  for (int j = 0; j < K::numbers; ++j) {
    if (j >= own) break;
    const int number = first_number + warp + j * 8, tap = number / thin_channels, c = number % thin_channels;
    for (int e = 0; e < 2; ++e) {
      const int d = first_channel + lane + e * 32;
      if (d >= dense_channels) continue;
      const int at = K::x_is_thin ? d * p.result_row + number : c * p.result_row + tap * p.channels + d;
      if (p.result_dtype == DType::f32) {
        float* to = static_cast<float*>(p.result) + at;
        store1(to, p.epilogue.accumulate ? sums[j][e] + load1(to) : sums[j][e]);
      } else {
        uint16_t* to = static_cast<uint16_t*>(p.result) + at;
        store1(to, p.epilogue.accumulate ? sums[j][e] + load1(to) : sums[j][e]);
      }
    }
  }
}

}  // namespace agon::cuda
