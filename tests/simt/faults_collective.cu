// Faults of barriers, shuffles and votes that not all named threads reach, of asserts, and of cp.async.
#include <cuda_pipeline_primitives.h>
#include <cuda_runtime.h>

#undef NDEBUG
#include <cassert>

#include "catch.h"
#include "faults.h"

using namespace simt_test;
using agon::simt::FaultKind;

namespace {

template <bool broken>
__global__ void barrier_in_branch(float* y) {
  __shared__ float sum;
  if (threadIdx.x == 0) sum = 1.0f;
  if (broken) {
    if (threadIdx.x < 16) __syncthreads();  //< barrier in a divergent branch
  } else {
    __syncthreads();
  }
  if (threadIdx.x < 16) y[threadIdx.x] = sum;
}

template <bool broken>
__global__ void barrier_in_loop(const int* trips, float* y) {
  float value = 0;
  const int n = trips[broken ? threadIdx.x : 0];
  for (int i = 0; i < n; ++i) {
    value += 1.0f;
    __syncthreads();  //< barrier in a loop of unequal trips
  }
  y[threadIdx.x] = value;
}

template <bool broken>
__global__ void shuffle_in_branch(const int* x, int* y) {
  int value = x[threadIdx.x];
  if (threadIdx.x < 16) {
    const unsigned mask = broken ? 0xffffffffu : 0x0000ffffu;
    value = __shfl_xor_sync(mask, value, 1);  //< shuffle with a mask of absent lanes
  }
  y[threadIdx.x] = value;
}

template <bool broken>
__global__ void shuffle_without_itself(const int* x, int* y) {
  const unsigned mask = broken ? 0x0000ffffu : 0xffffffffu;
  y[threadIdx.x] = __shfl_down_sync(mask, x[threadIdx.x], 1);  //< shuffle with a mask without the lane itself
}

template <bool broken>
__global__ void vote_after_exit(const int* x, int* y, int n) {
  if (threadIdx.x >= n) return;
  const unsigned mask = broken ? 0xffffffffu : (1u << n) - 1;
  y[threadIdx.x] = __ballot_sync(mask, x[threadIdx.x] != 0);  //< vote that names lanes that have left
}

template <bool broken>
__global__ void meet_without_others(int* y) {
  __shared__ int words[32];
  words[threadIdx.x] = threadIdx.x;
  if (threadIdx.x & 1) {
    __syncwarp(broken ? 0xffffffffu : 0xaaaaaaaau);  //< __syncwarp that names lanes of the other branch
    y[threadIdx.x] = words[threadIdx.x];
  } else {
    y[threadIdx.x] = 0;
  }
}

template <bool broken>
__global__ void asserts(const int* x) {
  assert(x[threadIdx.x] == 0 && (!broken || threadIdx.x < 3));  //< failed assert
}

template <bool broken>
__global__ void copy_no_wait(const float4* x, float4* y) {
  __shared__ float4 tile[64];
  __pipeline_memcpy_async(&tile[threadIdx.x], x + threadIdx.x, 16);  //< missing wait for cp.async
  __pipeline_commit();
  if (!broken) __pipeline_wait_prior(0);
  __syncthreads();
  y[threadIdx.x] = tile[63 - threadIdx.x];  //< missing wait for cp.async
}

template <bool broken>
__global__ void copy_no_barrier(const float4* x, float4* y) {
  __shared__ float4 tile[64];
  __pipeline_memcpy_async(&tile[threadIdx.x], x + threadIdx.x, 16);  //< wait for cp.async without a barrier
  __pipeline_commit();
  __pipeline_wait_prior(0);
  if (!broken) __syncthreads();
  y[threadIdx.x] = tile[63 - threadIdx.x];  //< wait for cp.async without a barrier
}

template <bool broken>
__global__ void pipeline(const float* x, float* y, int tiles) {
  __shared__ float tile[3][64];
  const auto fetch = [&](int t) {
    if (t < tiles) {
      float* to = &tile[t % 3][threadIdx.x];
      __pipeline_memcpy_async(to, x + t * 64 + threadIdx.x, 4);  //< wait one stage too late
    }
    __pipeline_commit();
  };
  fetch(0);
  fetch(1);
  float sum = 0;
  for (int t = 0; t < tiles; ++t) {
    __pipeline_wait_prior(broken ? 2 : 1);
    __syncthreads();
    fetch(t + 2);
    sum += tile[t % 3][63 - threadIdx.x];  //< wait one stage too late
  }
  y[threadIdx.x] = sum;
}

// The next tile is fetched into the buffer that other warps still read.
template <bool broken>
__global__ void pipeline_reuse(const float* x, float* y, int tiles) {
  __shared__ float tile[2][64];
  const auto fetch = [&](int t) {
    if (t < tiles) {
      float* to = &tile[t % 2][threadIdx.x];
      __pipeline_memcpy_async(to, x + t * 64 + threadIdx.x, 4);  //< cp.async into a buffer in use
    }
    __pipeline_commit();
  };
  fetch(0);
  float sum = 0;
  for (int t = 0; t < tiles; ++t) {
    fetch(t + 1);
    __pipeline_wait_prior(1);
    __syncthreads();
    sum += tile[t % 2][63 - threadIdx.x];  //< cp.async into a buffer in use
    if (!broken) __syncthreads();
  }
  y[threadIdx.x] = sum;
}

}  // namespace

// Broken: a barrier that some threads of a warp never reach hangs or passes.
TEST_CASE("planted barriers in divergent code are caught", "[simt][faults]") {
  const auto divergent = FaultKind::divergent_barrier;
  check_faults(__FILE__, {{"barrier in a divergent branch", divergent,
                           RUN(barrier_in_branch, 1, 32, 0, device_array<float>(16))},
                          {"barrier in a loop of unequal trips", divergent, [](bool broken) {
                             int* trips = device_array<int>(64);
                             int host[64];
                             for (int i = 0; i < 64; ++i) host[i] = 2 + i % 2;
                             cudaMemcpy(trips, host, sizeof host, cudaMemcpyHostToDevice);
                             if (broken)
                               barrier_in_loop<true><<<1, 64>>>(trips, device_array<float>(64));
                             else
                               barrier_in_loop<false><<<1, 64>>>(trips, device_array<float>(64));
                           }}});
}

// Broken: a shuffle or vote whose mask names the wrong lanes gives some value in silence.
TEST_CASE("planted wrong masks are caught", "[simt][faults]") {
  const auto bad = FaultKind::bad_shuffle;
  check_faults(__FILE__,
               {{"shuffle with a mask of absent lanes", bad,
                 RUN(shuffle_in_branch, 1, 32, 0, zeroed_array<int>(32), device_array<int>(32))},
                {"shuffle with a mask without the lane itself", bad,
                 RUN(shuffle_without_itself, 1, 32, 0, zeroed_array<int>(32), device_array<int>(32))},
                {"vote that names lanes that have left", bad,
                 RUN(vote_after_exit, 1, 32, 0, zeroed_array<int>(32), device_array<int>(32), 20)},
                {"__syncwarp that names lanes of the other branch", bad,
                 RUN(meet_without_others, 1, 32, 0, device_array<int>(32))},
                {"failed assert", FaultKind::trap, RUN(asserts, 1, 32, 0, zeroed_array<int>(32))}});
}

// Broken: data of cp.async may be read before it is there, or a good pipeline raises an alarm.
TEST_CASE("planted faults of cp.async are caught", "[simt][faults]") {
  const auto early = FaultKind::async_before_wait;
  check_faults(__FILE__,
               {{"missing wait for cp.async", early,
                 RUN(copy_no_wait, 1, 64, 0, zeroed_array<float4>(64), device_array<float4>(64))},
                {"wait for cp.async without a barrier", FaultKind::race_shared,
                 RUN(copy_no_barrier, 1, 64, 0, zeroed_array<float4>(64), device_array<float4>(64))},
                {"wait one stage too late", early,
                 RUN(pipeline, 1, 64, 0, zeroed_array<float>(512), device_array<float>(64), 8)},
                {"cp.async into a buffer in use", FaultKind::race_shared,
                 RUN(pipeline_reuse, 1, 64, 0, zeroed_array<float>(512), device_array<float>(64), 8)}});
}
