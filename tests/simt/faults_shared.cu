// Faults in shared memory: missing barriers between warps and between lanes, lost stores, unwritten words.
#include <cuda_runtime.h>

#include "catch.h"
#include "faults.h"

using namespace simt_test;
using agon::simt::FaultKind;

namespace {

template <bool broken>
__global__ void reverse_block(float* y) {
  __shared__ float tile[128];
  tile[threadIdx.x] = static_cast<float>(threadIdx.x);  //< missing __syncthreads
  if (!broken) __syncthreads();
  y[threadIdx.x] = tile[127 - threadIdx.x];  //< missing __syncthreads
}

template <bool broken>
__global__ void rounds(float* y) {
  __shared__ float tile[128];
  float sum = 0;
  for (int round = 0; round < 4; ++round) {
    tile[threadIdx.x] = static_cast<float>(round);  //< missing __syncthreads at the end of a round
    __syncthreads();
    sum += tile[threadIdx.x ^ 64];  //< missing __syncthreads at the end of a round
    if (!broken) __syncthreads();
  }
  y[threadIdx.x] = sum;
}

// Two buffers need one barrier a round, one buffer needs two.
template <bool broken>
__global__ void double_buffer(float* y) {
  __shared__ float tile[2][128];
  float sum = 0;
  for (int round = 0; round < 6; ++round) {
    const int buffer = broken ? 0 : round % 2;
    tile[buffer][threadIdx.x] = static_cast<float>(round);  //< one buffer for two
    __syncthreads();
    sum += tile[buffer][127 - threadIdx.x];  //< one buffer for two
  }
  y[threadIdx.x] = sum;
}

// The way of reducing a warp that lockstep once excused.
template <bool broken>
__global__ void reduce_warp(float* y) {
  __shared__ volatile float sums[64];
  const int lane = threadIdx.x;
  sums[lane] = 1.0f;
  sums[lane + 32] = 0.0f;
  __syncwarp();
  for (int half = 16; half > 0; half /= 2) {
    const float other = sums[lane + half];  //< missing __syncwarp in a reduction
    if (!broken) __syncwarp();
    sums[lane] = sums[lane] + other;  //< missing __syncwarp in a reduction
    if (!broken) __syncwarp();
  }
  y[lane] = sums[0];  //< missing __syncwarp in a reduction
}

template <bool broken>
__global__ void broadcast_lane(int* y) {
  __shared__ int chosen;
  if (threadIdx.x == 0) chosen = 0;
  __syncthreads();
  if (threadIdx.x == 5) chosen = 7;  //< missing __syncwarp in a broadcast
  if (!broken) __syncwarp();
  y[threadIdx.x] = chosen;  //< missing __syncwarp in a broadcast
}

template <bool broken>
__global__ void transpose_in_warp(float* y) {
  __shared__ float tile[4][32][33];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int row = 0; row < 32; ++row) {
    tile[warp][row][lane] = static_cast<float>(row);  //< missing __syncwarp in a transpose
  }
  if (!broken) __syncwarp();
  float sum = 0;
  for (int column = 0; column < 32; ++column) {
    sum += tile[warp][lane][column];  //< missing __syncwarp in a transpose
  }
  y[threadIdx.x] = sum;
}

template <bool broken>
__global__ void store_twice(int* y) {
  __shared__ int slots[64];
  slots[threadIdx.x] = 0;
  __syncthreads();
  slots[broken ? threadIdx.x / 2 : threadIdx.x] = threadIdx.x;  //< two lanes store to one word
  __syncthreads();
  y[threadIdx.x] = slots[threadIdx.x];
}

template <bool broken>
__global__ void histogram(const int* bins, int* y) {
  __shared__ int counts[8];
  if (threadIdx.x < 8) counts[threadIdx.x] = 0;
  __syncthreads();
  const int bin = bins[threadIdx.x];
  if (broken)
    counts[bin] += 1;  //< histogram without atomics
  else
    atomicAdd(&counts[bin], 1);
  __syncthreads();
  if (threadIdx.x < 8) y[threadIdx.x] = counts[threadIdx.x];
}

template <bool broken>
__global__ void count_and_read(int* y) {
  __shared__ int count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  atomicAdd(&count, 1);  //< atomic and read without a barrier
  if (!broken) __syncthreads();
  y[threadIdx.x] = count;  //< atomic and read without a barrier
}

// The halo of a block's tile is not loaded.
template <bool broken>
__global__ void blur(const float* x, float* y) {
  __shared__ float tile[66];
  const int i = threadIdx.x + 1;
  tile[i] = x[threadIdx.x];
  if (!broken && threadIdx.x < 2) tile[threadIdx.x * 65] = 0;
  __syncthreads();
  y[threadIdx.x] = tile[i - 1] + tile[i] + tile[i + 1];  //< unwritten halo in shared memory
}

// An odd number of threads sums an even number of words.
template <bool broken>
__global__ void sum_padded(float* y) {
  extern __shared__ float words[];
  const int n = blockDim.x;
  words[threadIdx.x] = 1.0f;
  if (!broken && threadIdx.x == 0) words[n] = 0.0f;
  __syncthreads();
  if (threadIdx.x == 0) {
    float sum = 0;
    for (int i = 0; i < n + 1; ++i) sum += words[i];  //< unwritten word of dynamic shared memory
    *y = sum;
  }
}

template <bool broken>
__global__ void shared_halo(const float* x, float* y) {
  extern __shared__ float window[];
  const int n = blockDim.x;
  window[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  const int next = broken ? threadIdx.x + 1 : min(static_cast<int>(threadIdx.x) + 1, n - 1);
  y[threadIdx.x] = window[threadIdx.x] + window[next];  //< off by one in a shared halo
}

template <bool broken>
__global__ void crooked_row(float* y) {
  constexpr int pitch = broken ? 33 : 36;
  __shared__ __align__(16) float tile[8][pitch];
  for (int column = 0; column < 4; ++column) tile[threadIdx.x][column] = 1.0f;
  __syncwarp();
  const auto* row = reinterpret_cast<const float4*>(&tile[threadIdx.x][0]);
  const float4 four = *row;  //< misaligned vector load from shared memory
  y[threadIdx.x] = four.x + four.w;
}

}  // namespace

// Broken: a fault of a kernel's use of shared memory goes unseen, or clean code is accused of one.
TEST_CASE("planted races in shared memory are caught", "[simt][faults]") {
  const auto race = FaultKind::race_shared;
  check_faults(
      __FILE__,
      {{"missing __syncthreads", race, RUN(reverse_block, 1, 128, 0, device_array<float>(128))},
       {"missing __syncthreads at the end of a round", race,
        RUN(rounds, 1, 128, 0, device_array<float>(128))},
       {"one buffer for two", race, RUN(double_buffer, 1, 128, 0, device_array<float>(128))},
       {"missing __syncwarp in a reduction", race, RUN(reduce_warp, 1, 32, 0, device_array<float>(32))},
       {"missing __syncwarp in a broadcast", race, RUN(broadcast_lane, 1, 32, 0, device_array<int>(32))},
       {"missing __syncwarp in a transpose", race,
        RUN(transpose_in_warp, 1, 128, 0, device_array<float>(128))},
       {"two lanes store to one word", race, RUN(store_twice, 1, 64, 0, device_array<int>(64))},
       {"histogram without atomics", race,
        RUN(histogram, 1, 64, 0, zeroed_array<int>(64), device_array<int>(8))},
       {"atomic and read without a barrier", race, RUN(count_and_read, 1, 64, 0, device_array<int>(64))}});
}

// Broken: shared memory that nobody wrote, or that is not there, is read in silence.
TEST_CASE("planted reads of shared memory that is not there are caught", "[simt][faults]") {
  check_faults(__FILE__, {{"unwritten halo in shared memory", FaultKind::unwritten_read,
                           RUN(blur, 1, 64, 0, zeroed_array<float>(64), device_array<float>(64))},
                          {"unwritten word of dynamic shared memory", FaultKind::unwritten_read,
                           RUN(sum_padded, 1, 33, 34 * 4, device_array<float>(1))},
                          {"off by one in a shared halo", FaultKind::out_of_bounds,
                           RUN(shared_halo, 1, 64, 64 * 4, zeroed_array<float>(64), device_array<float>(64))},
                          {"misaligned vector load from shared memory", FaultKind::misaligned,
                           RUN(crooked_row, 1, 8, 0, device_array<float>(8))}});
}
