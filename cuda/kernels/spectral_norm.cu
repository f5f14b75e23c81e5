#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/spectral_norm.h"

namespace agon::cuda {
namespace {

constexpr int threads = column_threads, rows_a_block = 16;

/// A matrix with its share of the workspace.
struct Matrix {
  SpectralNorm of;
  ColumnGrid grid;
  bool wide;
  void* column_space;    ///< of the sums of columns
  uint32_t* counter;     ///< of the blocks of rows
  float *raw, *product;  ///< w^T u, and t
};
struct Matrices {
  Matrix matrix[most_spectral_norms];
};

template <int width>
__device__ void sum_columns(const Matrix& m) {
  reduce_columns<Sum, 1, width>(
      m.grid, m.column_space, [](int, int) {},
      [&](Sum(&acc)[1][width], int64_t, int64_t row, int column) {
        float w[width];
        load_row(m.of.w, row * m.grid.columns + column, w);
        const float u = m.of.u[row];
#pragma unroll
        for (int k = 0; k < width; ++k) acc[0][k].add(u * w[k]);
      },
      [&](int64_t, int column, const double(&total)[1]) { m.raw[column] = static_cast<float>(total[0]); });
}

__global__ void __launch_bounds__(threads) spectral_norm_columns(const __grid_constant__ Matrices all) {
  const Matrix& m = all.matrix[blockIdx.y];
  if (blockIdx.x >= m.grid.blocks) return;
  m.wide ? sum_columns<4>(m) : sum_columns<1>(m);
}

/// The dot products of a block's rows with w^T u, and its square, as the results of the first threads.
template <int width>
__device__ double sum_rows(const Matrix& m, int first) {
  constexpr int values = rows_a_block + 1, warps = threads / 32;
  __shared__ double parts[warps][values];
  const int columns = m.of.columns;
  float sums[values] = {};
  for (int c = static_cast<int>(threadIdx.x) * width; c < columns; c += threads * width) {
    float raw[width];
    load_row(m.raw, c, raw);
#pragma unroll
    for (int k = 0; k < width; ++k) sums[rows_a_block] = fmaf(raw[k], raw[k], sums[rows_a_block]);
#pragma unroll
    for (int r = 0; r < rows_a_block; ++r) {
      float w[width];
      load_row(m.of.w, min(first + r, m.of.rows - 1) * columns + c, w);
#pragma unroll
      for (int k = 0; k < width; ++k) sums[r] = fmaf(w[k], raw[k], sums[r]);
    }
  }
#pragma unroll
  for (int i = 0; i < values; ++i) {
    const double sum = warp_sum(double{sums[i]});
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32][i] = sum;
  }
  __syncthreads();
  double total = 0;
  if (threadIdx.x < values)
    for (int warp = 0; warp < warps; ++warp) total += parts[warp][threadIdx.x];
  return total;
}

/// u' and sigma from t, by one block.
__device__ void finish(const Matrix& m) {
  const SpectralNorm& of = m.of;
  double square = 0, along = 0;
  for (int r = static_cast<int>(threadIdx.x); r < of.rows; r += threads) {
    const double t = m.product[r];
    square += t * t;
    along += t * of.u[r];
  }
  square = block_sum<threads>(square);
  along = block_sum<threads>(along);
  const double norm = fmax(sqrt(square), double{of.eps});
  for (int r = static_cast<int>(threadIdx.x); r < of.rows; r += threads)
    of.new_u[r] = of.iterate ? static_cast<float>(m.product[r] / norm) : of.u[r];
  if (threadIdx.x == 0) *of.sigma = static_cast<float>(of.iterate ? square / norm : along);
}

__global__ void __launch_bounds__(threads, 2) spectral_norm_rows(const __grid_constant__ Matrices all) {
  __shared__ double inverse;
  const Matrix& m = all.matrix[blockIdx.y];
  const auto blocks = static_cast<uint32_t>((m.of.rows + rows_a_block - 1) / rows_a_block);
  if (blockIdx.x >= blocks) return;
  const int first = static_cast<int>(blockIdx.x) * rows_a_block, thread = static_cast<int>(threadIdx.x);
  const double total = m.wide ? sum_rows<4>(m, first) : sum_rows<1>(m, first);
  if (thread == rows_a_block) inverse = 1 / fmax(sqrt(total), double{m.of.eps});
  __syncthreads();
  if (thread < rows_a_block && first + thread < m.of.rows)
    m.product[first + thread] = static_cast<float>(total * inverse);
  const auto scale = static_cast<float>(inverse);
  for (int c = static_cast<int>(blockIdx.x) * threads + thread; c < m.of.columns;
       c += static_cast<int>(blocks) * threads)
    m.of.v[c] = m.raw[c] * scale;
  if (last_block_done(m.counter, blocks)) finish(m);
}

/// Neighbours that a thread divides in a row.
constexpr int packs = 4;

template <int width>
__device__ void divide(const Matrix& m) {
  const float sigma = *m.of.sigma;
  const int64_t size = int64_t{m.of.rows} * m.of.columns;
  const int64_t first = (int64_t{blockIdx.x} * packs * threads + threadIdx.x) * width;
#pragma unroll
  for (int64_t k = 0; k < packs; ++k) {
    const int64_t i = first + k * threads * width;
    if (i >= size) return;
    float v[width];
    load_row(m.of.w, i, v);
#pragma unroll
    for (float& x : v) x /= sigma;
    if (m.of.y_dtype == DType::bf16)
      store_row(static_cast<uint16_t*>(m.of.y), i, v);
    else
      store_row(static_cast<float*>(m.of.y), i, v);
  }
}

__global__ void __launch_bounds__(threads) spectral_norm_divide(const __grid_constant__ Matrices all) {
  const Matrix& m = all.matrix[blockIdx.y];
  if (m.of.y == nullptr) return;
  m.wide ? divide<4>(m) : divide<1>(m);
}

/// Blocks of each launch, for the largest matrix.
struct Blocks {
  uint32_t columns = 0, rows = 0, division = 0;

  explicit Blocks(const Matrices& all, int count) {
    const auto raise = [](uint32_t& most, int64_t by) {
      most = by > most ? static_cast<uint32_t>(by) : most;
    };
    for (int i = 0; i < count; ++i) {
      const Matrix& m = all.matrix[i];
      raise(columns, m.grid.blocks);
      raise(rows, ceil_div(m.of.rows, rows_a_block));
      if (m.of.y != nullptr)
        raise(division, ceil_div(int64_t{m.of.rows} * m.of.columns, threads * packs * (m.wide ? 4 : 1)));
    }
  }
};

constexpr size_t aligned_size(size_t bytes) {
  return (bytes + 15) / 16 * 16;
}

/// Gives each matrix its share of the workspace; returns what all of them take.
size_t plan(const SpectralNormArgs& args, Matrices& all) {
  auto* const base = static_cast<unsigned char*>(args.workspace);
  size_t at = 0;
  const auto take = [&](size_t bytes) {
    unsigned char* const place = base == nullptr ? nullptr : base + at;
    at += aligned_size(bytes);
    return place;
  };
  for (int i = 0; i < args.count; ++i) {
    Matrix& m = all.matrix[i];
    m.of = args.matrices[i];
    m.wide = spectral_norm_instance(m.of) == 1;
    const int width = m.wide ? 4 : 1;
    m.grid = ColumnGrid(1, m.of.rows, m.of.columns, width);
    m.counter = reinterpret_cast<uint32_t*>(take(sizeof(uint32_t)));
    m.column_space = take(m.grid.workspace(1, width));
    m.raw = reinterpret_cast<float*>(take(static_cast<size_t>(m.of.columns) * sizeof(float)));
    m.product = reinterpret_cast<float*>(take(static_cast<size_t>(m.of.rows) * sizeof(float)));
  }
  return at;
}

bool valid(const SpectralNormArgs& args) {
  bool good = args.count >= 1 && args.count <= most_spectral_norms;
  for (int i = 0; good && i < args.count; ++i) {
    const SpectralNorm& m = args.matrices[i];
    good = m.rows > 0 && m.columns > 0 && int64_t{m.rows} * m.columns < int64_t{1} << 31;
  }
  return good;
}

}  // namespace

std::span<const Instance> spectral_norm_instances() {
  static constexpr Instance table[] = {{"scalar"}, {"vector"}};
  return table;
}

int spectral_norm_instance(const SpectralNorm& matrix) {
  return matrix.columns % 4 == 0 && aligned(matrix.w, 16) && aligned(matrix.y, 16) ? 1 : 0;
}

size_t spectral_norm_workspace(const SpectralNormArgs& args) {
  Matrices all;
  return valid(args) ? plan(args, all) : 0;
}

cudaError_t launch_spectral_norm(const SpectralNormArgs& args, cudaStream_t stream) {
  if (!valid(args) || args.workspace == nullptr) return cudaErrorInvalidValue;
  Matrices all;
  plan(args, all);
  const auto count = static_cast<uint32_t>(args.count);
  const Blocks blocks(all, args.count);
  spectral_norm_columns<<<dim3(blocks.columns, count), threads, 0, stream>>>(all);
  spectral_norm_rows<<<dim3(blocks.rows, count), threads, 0, stream>>>(all);
  if (blocks.division > 0) spectral_norm_divide<<<dim3(blocks.division, count), threads, 0, stream>>>(all);
  return cudaGetLastError();
}

}  // namespace agon::cuda
