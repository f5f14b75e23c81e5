// Scans and sorting.
#include "programs.h"

namespace programs {
namespace {

constexpr int scan_block = 256;

// Inclusive scan of one block: scans of warps by shuffles, then of the warps' sums.
__global__ void scan_kernel(const int* x, int n, int* y, int* block_sums) {
  __shared__ int warp_sums[scan_block / 32];
  const int i = blockIdx.x * scan_block + threadIdx.x;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int v = i < n ? x[i] : 0;
  for (int offset = 1; offset < 32; offset *= 2) {
    const int left = __shfl_up_sync(0xffffffffu, v, offset);
    if (lane >= offset) v += left;
  }
  if (lane == 31) warp_sums[warp] = v;
  __syncthreads();
  if (warp == 0) {
    int sum = lane < scan_block / 32 ? warp_sums[lane] : 0;
    for (int offset = 1; offset < scan_block / 32; offset *= 2) {
      const int left = __shfl_up_sync(0xffffffffu, sum, offset);
      if (lane >= offset) sum += left;
    }
    if (lane < scan_block / 32) warp_sums[lane] = sum;
  }
  __syncthreads();
  if (warp > 0) v += warp_sums[warp - 1];
  if (i < n) y[i] = v;
  if (threadIdx.x == scan_block - 1) block_sums[blockIdx.x] = v;
}

__global__ void add_offsets(int* y, int n, const int* block_sums) {
  const int i = blockIdx.x * scan_block + threadIdx.x;
  if (i < n && blockIdx.x > 0) y[i] += block_sums[blockIdx.x - 1];
}

// The sums of the blocks, by one warp that carries the total on.
__global__ void scan_sums(int* block_sums, int blocks) {
  int carry = 0;
  for (int start = 0; start < blocks; start += 32) {
    const int i = start + static_cast<int>(threadIdx.x);
    int v = i < blocks ? block_sums[i] : 0;
    for (int offset = 1; offset < 32; offset *= 2) {
      const int left = __shfl_up_sync(0xffffffffu, v, offset);
      if (static_cast<int>(threadIdx.x) >= offset) v += left;
    }
    v += carry;
    if (i < blocks) block_sums[i] = v;
    carry = __shfl_sync(0xffffffffu, v, 31);
  }
}

// A warp for each segment, of any length.
__global__ void segmented_kernel(const float* x, const int* starts, int segments, float* sums) {
  const int segment = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (segment >= segments) return;
  float sum = 0;
  for (int i = starts[segment] + static_cast<int>(threadIdx.x % 32); i < starts[segment + 1]; i += 32)
    sum += x[i];
  for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
  if (threadIdx.x % 32 == 0) sums[segment] = sum;
}

// Bitonic sort of a power of two of values in shared memory.
__global__ void sort_kernel(int* x, int n) {
  extern __shared__ int values[];
  const int i = threadIdx.x;
  values[i] = x[i];
  for (int size = 2; size <= n; size *= 2)
    for (int stride = size / 2; stride > 0; stride /= 2) {
      __syncthreads();
      const int other = i ^ stride;
      if (other > i) {
        const int a = values[i], b = values[other];
        if ((a > b) == ((i & size) == 0)) {
          values[i] = b;
          values[other] = a;
        }
      }
    }
  __syncthreads();
  x[i] = values[i];
}

}  // namespace

void scan(const int* x, int n, int* inclusive, int* block_sums) {
  const int blocks = (n + scan_block - 1) / scan_block;
  scan_kernel<<<blocks, scan_block>>>(x, n, inclusive, block_sums);
  scan_sums<<<1, 32>>>(block_sums, blocks);
  add_offsets<<<blocks, scan_block>>>(inclusive, n, block_sums);
}
void segmented_sum(const float* x, const int* starts, int segments, float* sums) {
  segmented_kernel<<<(segments + 3) / 4, 128>>>(x, starts, segments, sums);
}
void sort_block(int* x, int n) {
  sort_kernel<<<1, n, n * sizeof(int)>>>(x, n);
}

}  // namespace programs
