// Products and what is like them: shared-memory tiles, register tiles, cp.async pipelines, transposes, halos.
#include <cuda_pipeline_primitives.h>

#include "programs.h"

namespace programs {
namespace {

__global__ void simple_kernel(const float* a, const float* b, float* c, int m, int n, int k) {
  const int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= m || column >= n) return;
  float sum = 0;
  for (int i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + column];
  c[row * n + column] = sum;
}

__global__ void tiled_kernel(const float* a, const float* b, float* c, int m, int n, int k) {
  __shared__ float as[16][17], bs[16][17];
  const int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0;
  for (int start = 0; start < k; start += 16) {
    const int ka = start + threadIdx.x, kb = start + threadIdx.y;
    as[threadIdx.y][threadIdx.x] = row < m && ka < k ? a[row * k + ka] : 0;
    bs[threadIdx.y][threadIdx.x] = kb < k && column < n ? b[kb * n + column] : 0;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 16; ++i) sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
    __syncthreads();
  }
  if (row < m && column < n) c[row * n + column] = sum;
}

// 64 x 64 a block of 64 threads, 8 x 8 in the registers of each; sizes are multiples of the tile.
__global__ void registers_kernel(const float* a, const float* b, float* c, int n, int k) {
  __shared__ __align__(16) float as[8][64], bs[8][64];
  const int row = blockIdx.y * 64, column = blockIdx.x * 64;
  const int ty = threadIdx.x / 8 * 8, tx = threadIdx.x % 8 * 8;
  float sums[8][8] = {};
  for (int start = 0; start < k; start += 8) {
    const float4 low = *reinterpret_cast<const float4*>(a + (row + threadIdx.x) * k + start);
    const float4 high = *reinterpret_cast<const float4*>(a + (row + threadIdx.x) * k + start + 4);
    const float of_a[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      as[i][threadIdx.x] = of_a[i];
      bs[i][threadIdx.x] = b[(start + i) * n + column + threadIdx.x];
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      float ra[8], rb[8];
      *reinterpret_cast<float4*>(ra) = *reinterpret_cast<const float4*>(&as[i][ty]);
      *reinterpret_cast<float4*>(ra + 4) = *reinterpret_cast<const float4*>(&as[i][ty + 4]);
      *reinterpret_cast<float4*>(rb) = *reinterpret_cast<const float4*>(&bs[i][tx]);
      *reinterpret_cast<float4*>(rb + 4) = *reinterpret_cast<const float4*>(&bs[i][tx + 4]);
#pragma unroll
      for (int y = 0; y < 8; ++y)
#pragma unroll
        for (int x = 0; x < 8; ++x) sums[y][x] = fmaf(ra[y], rb[x], sums[y][x]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int y = 0; y < 8; ++y)
#pragma unroll
    for (int x = 0; x < 8; x += 4)
      *reinterpret_cast<float4*>(c + (row + ty + y) * n + column + tx + x) =
          make_float4(sums[y][x], sums[y][x + 1], sums[y][x + 2], sums[y][x + 3]);
}

// 32 x 32 tiles in three stages of cp.async; what lies outside of the matrices is filled with zeros.
constexpr int stages = 3, tile = 32, depth = 16;

__global__ void pipelined_kernel(const float* a, const float* b, float* c, int m, int n, int k) {
  extern __shared__ __align__(16) float shared[];
  float(*as)[tile][depth] = reinterpret_cast<float(*)[tile][depth]>(shared);
  float(*bs)[depth][tile] = reinterpret_cast<float(*)[depth][tile]>(shared + stages * tile * depth);
  const int row = blockIdx.y * tile, column = blockIdx.x * tile;
  const auto load = [&](int stage, int start) {
    for (int i = threadIdx.x; i < tile * depth; i += blockDim.x) {
      const int r = i / depth, q = i % depth;
      const bool in = row + r < m && start + q < k;
      __pipeline_memcpy_async(&as[stage][r][q], in ? a + (row + r) * k + start + q : a, 4, in ? 0 : 4);
    }
    for (int i = threadIdx.x; i < tile * depth; i += blockDim.x) {
      const int q = i / tile, s = i % tile;
      const bool in = start + q < k && column + s < n;
      __pipeline_memcpy_async(&bs[stage][q][s], in ? b + (start + q) * n + column + s : b, 4, in ? 0 : 4);
    }
    __pipeline_commit();
  };
  const int steps = (k + depth - 1) / depth;
  for (int s = 0; s < stages - 1; ++s) load(s, s * depth);
  float sums[8] = {};
  for (int step = 0; step < steps; ++step) {
    __pipeline_wait_prior(stages - 2);
    __syncthreads();
    load((step + stages - 1) % stages, (step + stages - 1) * depth);
    const int stage = step % stages;
    for (int q = 0; q < depth; ++q)
#pragma unroll
      for (int i = 0; i < 8; ++i)
        sums[i] += as[stage][threadIdx.x / 32 * 8 + i][q] * bs[stage][q][threadIdx.x % 32];
  }
  __pipeline_wait_prior(0);
  for (int i = 0; i < 8; ++i) {
    const int r = row + threadIdx.x / 32 * 8 + i, s = column + threadIdx.x % 32;
    if (r < m && s < n) c[r * n + s] = sums[i];
  }
}

__global__ void transpose_kernel(const float* x, float* y, int rows, int columns) {
  __shared__ float tile_of_x[32][33];
  int row = blockIdx.y * 32 + threadIdx.y, column = blockIdx.x * 32 + threadIdx.x;
  for (int i = 0; i < 32; i += 8)
    if (row + i < rows && column < columns)
      tile_of_x[threadIdx.y + i][threadIdx.x] = x[(row + i) * columns + column];
  __syncthreads();
  row = blockIdx.x * 32 + threadIdx.y;
  column = blockIdx.y * 32 + threadIdx.x;
  for (int i = 0; i < 32; i += 8)
    if (row + i < columns && column < rows)
      y[(row + i) * rows + column] = tile_of_x[threadIdx.x][threadIdx.y + i];
}

__global__ void stencil_kernel(const float* x, float* y, int n, int radius, const float* weights) {
  extern __shared__ float window[];
  const int start = blockIdx.x * blockDim.x - radius;
  for (int i = threadIdx.x; i < static_cast<int>(blockDim.x) + 2 * radius; i += blockDim.x) {
    const int at = start + i;
    window[i] = at >= 0 && at < n ? x[at] : 0;
  }
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float sum = 0;
  for (int w = 0; w <= 2 * radius; ++w) sum += window[threadIdx.x + w] * __ldg(weights + w);
  y[i] = sum;
}

}  // namespace

void product_simple(const float* a, const float* b, float* c, int m, int n, int k) {
  simple_kernel<<<dim3((n + 15) / 16, (m + 7) / 8), dim3(16, 8)>>>(a, b, c, m, n, k);
}
void product_tiled(const float* a, const float* b, float* c, int m, int n, int k) {
  tiled_kernel<<<dim3((n + 15) / 16, (m + 15) / 16), dim3(16, 16)>>>(a, b, c, m, n, k);
}
void product_registers(const float* a, const float* b, float* c, int m, int n, int k) {
  registers_kernel<<<dim3(n / 64, m / 64), 64>>>(a, b, c, n, k);
}
void product_pipelined(const float* a, const float* b, float* c, int m, int n, int k) {
  pipelined_kernel<<<dim3((n + tile - 1) / tile, (m + tile - 1) / tile), 128,
                     stages * 2 * tile * depth * sizeof(float)>>>(a, b, c, m, n, k);
}
void transpose(const float* x, float* y, int rows, int columns) {
  transpose_kernel<<<dim3((columns + 31) / 32, (rows + 31) / 32), dim3(32, 8)>>>(x, y, rows, columns);
}
void stencil(const float* x, float* y, int n, int radius, const float* weights) {
  stencil_kernel<<<(n + 127) / 128, 128, (128 + 2 * radius) * sizeof(float)>>>(x, y, n, radius, weights);
}

}  // namespace programs
