#pragma once
#include <type_traits>

#include "cuda/kernels/conv_epilogue.cuh"
#include "cuda/kernels/conv_fma.cuh"
#include "cuda/kernels/conv_load.cuh"
#include "cuda/kernels/conv_mma.cuh"

/// The contraction kernel: a block makes one tile (or one split of its sum) by a pipeline of asynchronous
/// copies, `Stages` deep. Prologues are one pass over each stage in shared memory before it is multiplied.
///
/// Fuses: prologues of activation operands (batch norm and activation, or their gradient); bias, activation,
/// statistics for the next batch norm, addition to the former result. Fewest bytes: both operands (and a
/// prologue's second tensor) and the result once; a tile reads its operands once, so that what n or m tiles
/// share comes from the L2 cache. Fewest flops: twice the multiplications that do not meet padding.
/// Launch: grid (m tiles * n tiles, parity classes * groups * splits), a thread for 64 results (a warp for
/// 64 x 32), 24 to 64 KiB of shared memory, and 3 stages of A more for a prologue's second tensor.
/// Limits: tensors below 2^31 elements, grid y at most 65535; aligned instances as conv_plan.cpp says.
namespace agon::cuda {

/// `Element` is the operands' type: unaligned bf16 is multiplied in f32.
template <Math math_, Form form_, int TileM, int TileN, int Width, int Stages, bool Fused,
          class Element = std::conditional_t<math_ == Math::bf16, uint16_t, float>>
struct Kernel {
  static constexpr Math math = math_;
  static constexpr Form form = form_;
  static constexpr int tile_m = TileM, tile_n = TileN, width = Width, stages = Stages;
  static constexpr bool fused = Fused;
  using T = Element;
  static constexpr int threads = TileM * TileN / 64, warps_n = TileN / 32;
  static constexpr int depth = tile_k<T>;
  /// Blocks a multiprocessor, as many as leave registers for all that a main loop keeps.
  static constexpr int blocks = Fused || math == Math::f32 || form == Form::weight_grad ? 256 / threads
                                : threads == 256                                        ? 2
                                                                                        : 384 / threads;

  static constexpr bool a_gathers = form == Form::forward || form == Form::input_grad;
  static constexpr bool taps_listed = form != Form::weight_grad;
  using A =
      std::conditional_t<a_gathers, GatherLoader<T, TileM, threads, Width, Stages, Fused, math != Math::f32>,
                         PixelLoader<T, TileM, threads, Width, Stages, Fused>>;
  using B = std::conditional_t<
      form == Form::weight_grad, PatchLoader<T, TileN, threads, Width, Stages, Fused>,
      std::conditional_t<form == Form::input_grad, WeightColumnLoader<T, TileN, threads, Width>,
                         WeightRowLoader<T, TileN, threads, Width>>>;
  static constexpr bool aligned = Width * sizeof(T) == 16;
  static constexpr bool halves = TileM == 64;
  using Loop = std::conditional_t<math == Math::f32,
                                  FmaLoop<T, typename A::Layout, typename B::Layout, aligned, halves>,
                                  MmaLoop<T, typename A::Layout, typename B::Layout, halves>>;

  static constexpr int stage_bytes = A::Layout::bytes + B::Layout::bytes;
  static constexpr int tiles_bytes = Stages * stage_bytes;
  static_assert(tiles_bytes >= TileEpilogue<TileM, TileN, Loop>::bytes);
  /// Shared memory: tiles, rows' results, rows, taps, tiles of the prologue's second tensor.
  static constexpr int rows_at = tiles_bytes + TileM * 4, taps_at = rows_at + TileM * 16;
  __host__ __device__ static int shared_bytes(int taps, bool second_tensor) {
    return taps_at + taps * 16 + (second_tensor ? Stages * A::Layout::bytes : 0);
  }
};

/// Fills the tables of rows and taps; returns how many taps meet any row.
template <class K>
__device__ inline int fill_tables(const Problem& p, const TilePosition& tile, Row* rows, Tap* taps,
                                  int* results) {
  const Phase phase(p, K::form == Form::input_grad ? tile.phase : 0);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
  for (int row = thread; row < K::tile_m; row += K::threads) {
    const int m = tile.m_tile * K::tile_m + row;
    if constexpr (K::a_gathers)
      rows[row] = find_row<K::form>(p, phase, m, results[row]);
    else
      results[row] = m < p.m ? m * p.result_row : -1;
  }
  if constexpr (!K::taps_listed) return 0;

  __shared__ unsigned met;
  __shared__ int count;
  if (thread < 32) {
    int listed = 0;
    for (int first = 0; first < p.taps; first += 32) {
      Tap tap;
      const bool wanted = first + lane < p.taps && find_tap<K::form>(p, phase, first + lane, tap);
      const unsigned all = __ballot_sync(0xffffffffu, wanted);
      if (wanted) taps[listed + __popc(all & ((1u << lane) - 1))] = tap;
      listed += __popc(all);
    }
    if (lane == 0) met = 0, count = listed;
  }
  __syncthreads();
  const int listed = count;
  if (!K::a_gathers || listed > 32) return listed;

  unsigned seen = 0;
  for (int row = thread; row < K::tile_m; row += K::threads)
    for (int i = 0; i < listed; ++i)
      if (__any_sync(0xffffffffu, meets(p, rows[row], taps[i]))) seen |= 1u << i;
  if (lane == 0 && seen != 0) atomicOr(&met, seen);
  __syncthreads();
  if (thread < 32) {
    const bool wanted = met >> lane & 1;
    Tap tap;
    if (wanted) tap = taps[lane];
    const unsigned all = __ballot_sync(0xffffffffu, wanted);
    __syncwarp();
    if (wanted) taps[__popc(all & ((1u << lane) - 1))] = tap;
    if (lane == 0) count = __popc(all);
  }
  __syncthreads();
  return count;
}

template <class K>
__global__ void __launch_bounds__(K::threads, K::blocks) contraction(const __grid_constant__ Problem p) {
  extern __shared__ __align__(16) char shared[];
  int* results = reinterpret_cast<int*>(shared + K::tiles_bytes);
  Row* rows = reinterpret_cast<Row*>(shared + K::rows_at);
  Tap* taps = reinterpret_cast<Tap*>(shared + K::taps_at);
  char* z_tiles = shared + K::taps_at + p.taps * 16;

  const TilePosition tile(p);
  const int m = tile.m_tile * K::tile_m, n = tile.n_tile * K::tile_n;
  const Tables tables{rows, taps, fill_tables<K>(p, tile, rows, taps, results)};
  const int last_n = min(n + K::tile_n, p.n) - 1;
  const Box box = K::form == Form::weight_grad ? Box(p, n / p.channels, last_n / p.channels) : Box(p, 0, 1);

  // k in elements and in stages, and this split's share of the stages.
  const int k_total = K::form == Form::weight_grad ? p.images * box.pixels() : tables.tap_count * p.channels;
  const int k_tiles = (k_total + K::depth - 1) / K::depth;
  const int first = static_cast<int>(static_cast<int64_t>(k_tiles) * tile.split / p.splits);
  const int end = static_cast<int>(static_cast<int64_t>(k_tiles) * (tile.split + 1) / p.splits);

  typename K::A a = [&] {
    if constexpr (K::a_gathers)
      return typename K::A(p, tables, tile.group, first * K::depth);
    else
      return typename K::A(p, box, tile.group, m, first * K::depth);
  }();
  typename K::B b = [&] {
    if constexpr (K::form == Form::weight_grad)
      return typename K::B(p, box, tile.group, n, first * K::depth);
    else
      return typename K::B(p, tables, tile.group, n, first * K::depth);
  }();
  const int warp_m = static_cast<int>(threadIdx.x) / 32 / K::warps_n,
            warp_n = static_cast<int>(threadIdx.x) / 32 % K::warps_n;
  typename K::Loop loop(warp_m, warp_n, WarpShare(p.m - m - warp_m * 64, p.n - n - warp_n * 32));

  const auto a_tile = [&](int stage) { return shared + stage * K::stage_bytes; };
  const auto b_tile = [&](int stage) { return a_tile(stage) + K::A::Layout::bytes; };
  const auto z_tile = [&](int stage) { return z_tiles + stage * K::A::Layout::bytes; };
  const auto issue = [&](int k_tile, int stage) {
    if (k_tile < end) {
      a.issue(a_tile(stage), z_tile(stage));
      b.issue(b_tile(stage));
    } else if constexpr (K::fused) {
      a.skip();
      if constexpr (K::form == Form::weight_grad) b.skip();
    }
    commit_copies();
  };

  for (int i = 0; i < K::stages - 1; ++i) issue(first + i, i);
  int stage = 0, left = k_total - first * K::depth;
  for (int k_tile = first; k_tile < end; ++k_tile) {
    wait_copies<K::stages - 2>();
    if constexpr (K::fused) {
      a.transform(a_tile(stage), z_tile(stage));
      if constexpr (K::form == Form::weight_grad) b.transform(b_tile(stage));
    }
    __syncthreads();
    issue(k_tile + K::stages - 1, stage == 0 ? K::stages - 1 : stage - 1);
    loop.multiply(a_tile(stage), b_tile(stage), left);
    left -= K::depth;
    stage = stage + 1 == K::stages ? 0 : stage + 1;
  }
  wait_copies<0>();

  if (p.splits > 1 && !merge_splits<K::threads>(p, tile, loop)) return;
  TileEpilogue<K::tile_m, K::tile_n, typename K::Loop> epilogue(p, tile);
  epilogue.run(loop, warp_m, reinterpret_cast<float*>(shared), results);
}

}  // namespace agon::cuda
