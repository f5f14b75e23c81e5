// Reductions: over warps, blocks and grids, with shuffles, votes, atomics and a last-block finish.
#include "programs.h"

namespace programs {
namespace {

__device__ float warp_sum(float v) {
  for (int offset = 16; offset > 0; offset /= 2) v += __shfl_down_sync(0xffffffffu, v, offset);
  return v;
}

// Every block writes its sum; the last one to finish adds them in order and leaves the counter at zero.
__global__ void sum_kernel(const float* x, int n, float* partial, float* total, unsigned* counter) {
  __shared__ float warps[32];
  __shared__ bool last;
  float v = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v += x[i];
  v = warp_sum(v);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) {
    v = threadIdx.x < blockDim.x / 32 ? warps[threadIdx.x] : 0;
    v = warp_sum(v);
    if (threadIdx.x == 0) {
      partial[blockIdx.x] = v;
      __threadfence();
      last = atomicInc(counter, gridDim.x - 1) == gridDim.x - 1;
    }
  }
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (threadIdx.x == 0) {
    float sum = 0;
    for (int b = 0; b < static_cast<int>(gridDim.x); ++b) sum += partial[b];
    *total = sum;
  }
}

// One block: the index of the least value, the first of equals.
__global__ void minimum_kernel(const float* x, int n, int* index) {
  __shared__ float values[256];
  __shared__ int indices[256];
  float least = INFINITY;
  int at = n;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    if (x[i] < least) {
      least = x[i];
      at = i;
    }
  values[threadIdx.x] = least;
  indices[threadIdx.x] = at;
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) {
      const float other = values[threadIdx.x + half];
      const int other_at = indices[threadIdx.x + half];
      if (other < values[threadIdx.x] || (other == values[threadIdx.x] && other_at < indices[threadIdx.x])) {
        values[threadIdx.x] = other;
        indices[threadIdx.x] = other_at;
      }
    }
  }
  if (threadIdx.x == 0) *index = indices[0];
}

__global__ void histogram_kernel(const int* x, int n, unsigned* bins, int bin_count) {
  extern __shared__ unsigned counts[];
  for (int b = threadIdx.x; b < bin_count; b += blockDim.x) counts[b] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&counts[x[i]], 1u);
  __syncthreads();
  for (int b = threadIdx.x; b < bin_count; b += blockDim.x)
    if (counts[b]) atomicAdd(&bins[b], counts[b]);
}

// Keeps the even values: a warp reserves room for its own with one atomic.
__global__ void compact_kernel(const int* x, int n, int* kept, int* count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const bool keep = i < n && x[i] % 2 == 0;
  const unsigned votes = __ballot_sync(0xffffffffu, keep);
  int base = 0;
  if (threadIdx.x % 32 == 0) base = atomicAdd(count, __popc(votes));
  base = __shfl_sync(0xffffffffu, base, 0);
  const unsigned before = votes & ((1u << threadIdx.x % 32) - 1);
  if (keep) kept[base + __popc(before)] = x[i];
}

// Adds up equal keys within a warp, then once for each group.
__global__ void group_kernel(const int* keys, int n, int* totals) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned active = __activemask();
  const unsigned same = __match_any_sync(active, keys[i]);
  if (static_cast<int>(threadIdx.x % 32) == __ffs(same) - 1) atomicAdd(&totals[keys[i]], __popc(same));
}

__global__ void sum_doubles_kernel(const double* x, int n, double* total) {
  __shared__ double sums[128];
  double sum = 0;
  for (int i = threadIdx.x; i < n; i += 128) sum += x[i];
  sums[threadIdx.x] = sum;
  for (int half = 64; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) *total = sums[0];
}

}  // namespace

void sum_blocks(const float* x, int n, float* partial, int blocks, float* total, unsigned* counter) {
  sum_kernel<<<blocks, 256>>>(x, n, partial, total, counter);
}
void minimum_index(const float* x, int n, int* index) {
  minimum_kernel<<<1, 256>>>(x, n, index);
}
void histogram(const int* x, int n, unsigned* bins, int bin_count) {
  histogram_kernel<<<5, 96, bin_count * sizeof(unsigned)>>>(x, n, bins, bin_count);
}
void compact(const int* x, int n, int* kept, int* count) {
  compact_kernel<<<(n + 127) / 128, 128>>>(x, n, kept, count);
}
void group_counts(const int* keys, int n, int* totals) {
  group_kernel<<<(n + 63) / 64, 64>>>(keys, n, totals);
}
void sum_doubles(const double* x, int n, double* total) {
  sum_doubles_kernel<<<1, 128>>>(x, n, total);
}

}  // namespace programs
