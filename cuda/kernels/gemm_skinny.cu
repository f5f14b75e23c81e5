#include <algorithm>

#include "cuda/kernels/conv_activation.cuh"
#include "cuda/kernels/conv_prologue.cuh"
#include "cuda/kernels/gemm_skinny.h"

/// rows: a warp (long rows: a block of 8) takes the dot products of one row with up to 4 thin vectors.
/// columns: a block owns 32 threads' worth of columns, its 8 warps share k and are added up in order.
/// outer: a thread makes 8 rows of neighbouring columns.
/// Fewest bytes: the large operand (outer: the result) once. Prologues: of the large operand, in rows
/// and columns.
namespace agon::cuda {
namespace {

constexpr int threads = 256, warps = threads / 32, most = 4;
constexpr int long_row = 2048;  ///< from here on a block shares a row
constexpr int outer_rows = 8;

/// Which operand is large, and how the other one and the result are reached from it.
struct Sides {
  bool a_is_large;
  int rows, thin;         ///< extents of the two sides
  int thin_k, thin_step;  ///< elements of the thin operand from one k, one vector, to the next
  int result_row,
      result_step;  ///< elements of the result from one row of the large side, one vector, to the next
  int64_t large_batch, thin_batch;

  __host__ __device__ explicit Sides(const MatmulArgs& args) {
    const bool k_inner_a = !args.transpose_a, k_inner_b = args.transpose_b;
    a_is_large = args.n <= most && args.m >= args.n;
    const int64_t a_batch = static_cast<int64_t>(args.m) * args.k,
                  b_batch = static_cast<int64_t>(args.k) * args.n;
    if (a_is_large) {
      rows = args.m, thin = args.n;
      thin_k = k_inner_b ? 1 : args.n, thin_step = k_inner_b ? args.k : 1;
      result_row = args.n, result_step = 1;
      large_batch = a_batch, thin_batch = b_batch;
    } else {
      rows = args.n, thin = args.m;
      thin_k = k_inner_a ? 1 : args.m, thin_step = k_inner_a ? args.k : 1;
      result_row = 1, result_step = args.n;
      large_batch = b_batch, thin_batch = a_batch;
    }
  }
  __host__ __device__ bool along_k(const MatmulArgs& args) const {
    return a_is_large ? !args.transpose_a : args.transpose_b;
  }
};

__device__ inline void finish(const MatmulArgs& args, int64_t at, int column, float sum) {
  const float y =
      activate(args.epilogue.activation, args.epilogue.bias ? sum + args.epilogue.bias[column] : sum);
  if (args.y_dtype == DType::f32) {
    float* to = static_cast<float*>(args.y) + at;
    store1(to, args.epilogue.accumulate ? y + load1(to) : y);
  } else {
    uint16_t* to = static_cast<uint16_t*>(args.y) + at;
    store1(to, args.epilogue.accumulate ? y + load1(to) : y);
  }
}

__device__ inline int channel_of(const Prologue& prologue, int index) {
  return prologue.kind == PrologueKind::none ? 0 : index % prologue.channels;
}

template <class T, int Width>
__global__ void __launch_bounds__(threads) skinny_rows(const __grid_constant__ MatmulArgs args) {
  __shared__ float parts[warps][most];
  const Sides sides(args);
  const Prologue& prologue = sides.a_is_large ? args.a_prologue : args.b_prologue;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const bool shared = args.k >= long_row;
  const int row = static_cast<int>(blockIdx.x) * (shared ? 1 : warps) + (shared ? 0 : warp);
  if (row >= sides.rows) return;  // whole warps
  const int64_t start = blockIdx.y * sides.large_batch + static_cast<int64_t>(row) * args.k;
  const T* large = static_cast<const T*>(sides.a_is_large ? args.a : args.b) + start;
  const T* z = static_cast<const T*>(prologue.z) + start;
  const T* thin = static_cast<const T*>(sides.a_is_large ? args.b : args.a) + blockIdx.y * sides.thin_batch;

  // Where a thin vector lies along k, it is read as the large operand is.
  const bool along_k = sides.thin_k == 1 && (sides.thin == 1 || sides.thin_step % Width == 0) &&
                       reinterpret_cast<uintptr_t>(thin) % (Width * sizeof(T)) == 0;
  float sums[most] = {};
  const int step = (shared ? threads : 32) * Width;
#pragma unroll 2
  for (int k = (shared ? static_cast<int>(threadIdx.x) : lane) * Width; k < args.k; k += step) {
    float v[Width];
    const ChannelNumbers<Width> numbers(prologue, channel_of(prologue, k));
    read_transformed(prologue, numbers, large + k, z + k, v);
    for (int t = 0; t < most; ++t) {
      if (t >= sides.thin) break;
      const T* from = thin + k * sides.thin_k + t * sides.thin_step;
      float w[Width];
      if (along_k)
        read_elements<T>(w, from);
      else
        for (int e = 0; e < Width; ++e) w[e] = load1(from + e * sides.thin_k);
      for (int e = 0; e < Width; ++e) sums[t] = fmaf(v[e], w[e], sums[t]);
    }
  }
  for (float& sum : sums) sum = warp_sum(sum);
  if (shared) {
    if (lane == 0)
      for (int t = 0; t < most; ++t) parts[warp][t] = sums[t];
    __syncthreads();
    for (int t = 0; t < most; ++t) {
      sums[t] = 0;
      for (int i = 0; i < warps; ++i) sums[t] += parts[i][t];
    }
    if (warp != 0) return;
  }
  if (lane != 0) return;
  const int64_t result =
      blockIdx.y * static_cast<int64_t>(args.m) * args.n + static_cast<int64_t>(row) * sides.result_row;
  for (int t = 0; t < most; ++t)
    if (t < sides.thin)
      finish(args, result + static_cast<int64_t>(t) * sides.result_step, sides.a_is_large ? t : row, sums[t]);
}

template <class T, int Width>
__global__ void __launch_bounds__(threads) skinny_columns(const __grid_constant__ MatmulArgs args) {
  __shared__ float parts[warps][most][Width][32];
  const Sides sides(args);
  const Prologue& prologue = sides.a_is_large ? args.a_prologue : args.b_prologue;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int column = (static_cast<int>(blockIdx.x) * 32 + lane) * Width;
  const bool real = column < sides.rows;
  const int64_t start = blockIdx.y * sides.large_batch + (real ? column : 0);
  const T* large = static_cast<const T*>(sides.a_is_large ? args.a : args.b) + start;
  const T* z = static_cast<const T*>(prologue.z) + start;
  const T* thin = static_cast<const T*>(sides.a_is_large ? args.b : args.a) + blockIdx.y * sides.thin_batch;
  const ChannelNumbers<Width> numbers(prologue, channel_of(prologue, real ? column : 0));

  float sums[most][Width] = {};
#pragma unroll 2
  for (int k = warp; k < args.k; k += warps) {
    float v[Width];
    const int64_t at = static_cast<int64_t>(k) * sides.rows;
    read_transformed(prologue, numbers, large + at, z + at, v);
    for (int t = 0; t < most; ++t)
      if (t < sides.thin) {
        const float x = load1(thin + k * sides.thin_k + t * sides.thin_step);
        for (int e = 0; e < Width; ++e) sums[t][e] = fmaf(v[e], x, sums[t][e]);
      }
  }
  for (int t = 0; t < most; ++t)
    for (int e = 0; e < Width; ++e) parts[warp][t][e][lane] = sums[t][e];
  __syncthreads();
  const int64_t result = blockIdx.y * static_cast<int64_t>(args.m) * args.n;
  for (int i = static_cast<int>(threadIdx.x); i < sides.thin * 32 * Width; i += threads) {
    const int t = i / (32 * Width), c = i % (32 * Width);
    const int row = static_cast<int>(blockIdx.x) * 32 * Width + c;
    if (row >= sides.rows) continue;
    float sum = 0;
    for (int w = 0; w < warps; ++w) sum += parts[w][t][c % Width][c / Width];
    finish(
        args,
        result + static_cast<int64_t>(row) * sides.result_row + static_cast<int64_t>(t) * sides.result_step,
        sides.a_is_large ? t : row, sum);
  }
}

template <class T, int Width>
__global__ void __launch_bounds__(threads) skinny_outer(const __grid_constant__ MatmulArgs args) {
  const int column = (static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x)) * Width;
  if (column >= args.n) return;
  const T* a = static_cast<const T*>(args.a) + blockIdx.z * static_cast<int64_t>(args.m) * args.k;
  const T* b = static_cast<const T*>(args.b) + blockIdx.z * static_cast<int64_t>(args.k) * args.n;
  float y[most][Width], bias[Width];
  for (int e = 0; e < Width; ++e) bias[e] = args.epilogue.bias ? args.epilogue.bias[column + e] : 0;
  for (int k = 0; k < most; ++k)
    for (int e = 0; e < Width; ++e)
      y[k][e] = k < args.k
                    ? load1(b + (args.transpose_b ? (column + e) * args.k + k : k * args.n + column + e))
                    : 0;
  const PiecewiseActivation f(args.epilogue.activation);
  const int first = static_cast<int>(blockIdx.y) * outer_rows, end = min(first + outer_rows, args.m);
  for (int row = first; row < end; ++row) {
    float v[Width];
    for (int e = 0; e < Width; ++e) v[e] = bias[e];
    for (int k = 0; k < most; ++k) {
      if (k >= args.k) break;
      const float x = load1(a + (args.transpose_a ? k * args.m + row : row * args.k + k));
      for (int e = 0; e < Width; ++e) v[e] = fmaf(x, y[k][e], v[e]);
    }
    f.apply(v);
    const int64_t at =
        blockIdx.z * static_cast<int64_t>(args.m) * args.n + static_cast<int64_t>(row) * args.n + column;
    const auto write = [&](auto* to) {
      if (args.epilogue.accumulate) {
        float old[Width];
        read_elements<std::remove_pointer_t<decltype(to)>>(old, to);
        for (int e = 0; e < Width; ++e) v[e] += old[e];
      }
      write_elements<std::remove_pointer_t<decltype(to)>>(to, v);
    };
    if (args.y_dtype == DType::f32)
      write(static_cast<float*>(args.y) + at);
    else
      write(static_cast<uint16_t*>(args.y) + at);
  }
}

unsigned blocks(int64_t work, int64_t each) {
  return static_cast<unsigned>(ceil_div(work, each));
}

template <class T, int Width>
cudaError_t launch_rows(const MatmulArgs& args, cudaStream_t stream) {
  const Sides sides(args);
  const dim3 grid(blocks(sides.rows, args.k >= long_row ? 1 : warps), static_cast<unsigned>(args.batch));
  skinny_rows<T, Width><<<grid, threads, 0, stream>>>(args);
  return cudaGetLastError();
}
template <class T, int Width>
cudaError_t launch_columns(const MatmulArgs& args, cudaStream_t stream) {
  const dim3 grid(blocks(Sides(args).rows, 32 * Width), static_cast<unsigned>(args.batch));
  skinny_columns<T, Width><<<grid, threads, 0, stream>>>(args);
  return cudaGetLastError();
}
template <class T, int Width>
cudaError_t launch_outer(const MatmulArgs& args, cudaStream_t stream) {
  const dim3 grid(blocks(args.n, threads * Width), blocks(args.m, outer_rows),
                  static_cast<unsigned>(args.batch));
  skinny_outer<T, Width><<<grid, threads, 0, stream>>>(args);
  return cudaGetLastError();
}

bool aligned_prologue(const Prologue& prologue, int width) {
  return prologue.kind == PrologueKind::none ||
         (aligned(prologue.scale, 16) && aligned(prologue.shift, 16) && aligned(prologue.z, 16) &&
          aligned(prologue.coefficients, 16) && prologue.channels % width == 0);
}

bool can_run(const SkinnyEntry& entry, const MatmulArgs& args) {
  if ((entry.instance.math == Math::bf16) != (args.math == Math::bf16)) return false;
  if (args.epilogue.stats_sums != nullptr || args.batch > 65535) return false;
  if (args.m < 1 || args.n < 1 || args.k < 1 || args.batch < 1) return false;
  const auto fits = [&](int64_t extent) { return extent % entry.width == 0; };
  const auto none = [](const Prologue& prologue) { return prologue.kind == PrologueKind::none; };
  if (entry.kind == SkinnyKind::outer) {
    const bool y_aligned = aligned(args.y, static_cast<size_t>(entry.width) * 4) || entry.width == 1;
    return args.k <= most && none(args.a_prologue) && none(args.b_prologue) && fits(args.n) && y_aligned &&
           args.epilogue.activation.kind <= ActivationKind::leaky_relu && args.m <= 65535 * outer_rows;
  }
  const Sides sides(args);
  if (sides.thin > most || sides.along_k(args) != (entry.kind == SkinnyKind::rows)) return false;
  const Prologue& large = sides.a_is_large ? args.a_prologue : args.b_prologue;
  const Prologue& thin = sides.a_is_large ? args.b_prologue : args.a_prologue;
  if (!none(thin) || !(none(large) || suits_prologue(large.activation))) return false;
  if (entry.width == 1) return true;
  return aligned(sides.a_is_large ? args.a : args.b, 16) && aligned_prologue(large, entry.width) &&
         fits(entry.kind == SkinnyKind::rows ? args.k : sides.rows);
}

template <class T>
constexpr Math math_of = sizeof(T) == 2 ? Math::bf16 : Math::f32;

template <SkinnyKind kind, class T, int Width>
SkinnyEntry entry(const char* name) {
  const auto launch = [] {
    if constexpr (kind == SkinnyKind::rows) return &launch_rows<T, Width>;
    if constexpr (kind == SkinnyKind::columns) return &launch_columns<T, Width>;
    if constexpr (kind == SkinnyKind::outer) return &launch_outer<T, Width>;
  }();
  return {{{name}, math_of<T>, most, most, Width > 1, kind != SkinnyKind::outer}, kind, Width, launch};
}

}  // namespace

std::span<const SkinnyEntry> skinny_kernels() {
  using Kind = SkinnyKind;
  static const SkinnyEntry table[] = {entry<Kind::rows, float, 4>("f32_matmul_rows"),
                                      entry<Kind::columns, float, 4>("f32_matmul_columns"),
                                      entry<Kind::outer, float, 4>("f32_matmul_outer"),
                                      entry<Kind::rows, uint16_t, 8>("bf16_matmul_rows"),
                                      entry<Kind::columns, uint16_t, 8>("bf16_matmul_columns"),
                                      entry<Kind::outer, uint16_t, 4>("bf16_matmul_outer"),
                                      entry<Kind::rows, float, 1>("f32_matmul_rows_unaligned"),
                                      entry<Kind::columns, float, 1>("f32_matmul_columns_unaligned"),
                                      entry<Kind::outer, float, 1>("f32_matmul_outer_unaligned"),
                                      entry<Kind::rows, uint16_t, 1>("bf16_matmul_rows_unaligned"),
                                      entry<Kind::columns, uint16_t, 1>("bf16_matmul_columns_unaligned"),
                                      entry<Kind::outer, uint16_t, 1>("bf16_matmul_outer_unaligned")};
  return table;
}

int skinny_kernel(const MatmulArgs& args, int wanted) {
  const auto table = skinny_kernels();
  for (int i = 0; i < static_cast<int>(table.size()); ++i)
    if ((wanted < 0 || wanted == i) && can_run(table[static_cast<size_t>(i)], args)) return i;
  return -1;
}

}  // namespace agon::cuda
