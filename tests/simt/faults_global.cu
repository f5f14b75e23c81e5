// Faults in global and local memory: bounds, alignment, freed and unwritten memory, races of blocks.
#include <cuda_runtime.h>

#include "catch.h"
#include "faults.h"

using namespace simt_test;
using agon::simt::FaultKind;

namespace {

// 100 elements, 128 threads.
template <bool broken>
__global__ void tail(float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (!broken && i >= n) return;
  y[i] = 1.0f;  //< missing guard of the tail
}

template <bool broken>
__global__ void difference(const float* x, float* y, int n) {
  const int i = threadIdx.x;
  const int next = broken || i + 1 < n ? i + 1 : n - 1;
  y[i] = x[next] - x[i];  //< off by one in a halo
}

template <bool broken>
__global__ void padded(const float* x, float* y, int n) {
  const int i = static_cast<int>(threadIdx.x) - 1;
  const bool inside = broken ? i < n : i >= 0 && i < n;
  y[threadIdx.x] = inside ? x[i] : 0.0f;  //< negative index of a padded image
}

// 30 elements by fours: the last four are two.
template <bool broken>
__global__ void by_fours(const float* x, float* y, int n) {
  const int i = 4 * threadIdx.x;
  if (broken ? i < n : i + 3 < n) {
    const float4 four = *reinterpret_cast<const float4*>(x + i);  //< vector load over the end
    y[threadIdx.x] = four.x + four.y + four.z + four.w;
  }
}

template <bool broken>
__global__ void shifted_vectors(const float* x, float* y) {
  const float* from = x + (broken ? 1 : 4);
  const float4 four = reinterpret_cast<const float4*>(from)[threadIdx.x];  //< misaligned vector load
  y[threadIdx.x] = four.x + four.w;
}

template <bool broken>
__global__ void shifted_pairs(float* y) {
  float* to = y + (broken ? 3 : 2);
  reinterpret_cast<float2*>(to)[threadIdx.x] = make_float2(1, 2);  //< misaligned vector store
}

__global__ void scale(const float* x, float* y) {
  y[threadIdx.x] = 2.0f * x[threadIdx.x];  //< use after free
}

template <bool broken>
__global__ void half_written(float* x, float* y) {
  if (!broken || threadIdx.x < 32) x[threadIdx.x] = 1.0f;
  y[threadIdx.x] = x[threadIdx.x];  //< unwritten global memory
}

template <bool broken>
__global__ void accumulate(float* sum) {
  if (!broken) sum[threadIdx.x] = 0.0f;
  for (int i = 0; i < 3; ++i) sum[threadIdx.x] += 1.0f;  //< accumulator nobody cleared
}

// Bytes are tracked one by one: half of a word is written.
template <bool broken>
__global__ void half_word(unsigned short* x, unsigned* y) {
  x[2 * threadIdx.x] = 1;
  if (!broken) x[2 * threadIdx.x + 1] = 2;
  y[threadIdx.x] = reinterpret_cast<const unsigned*>(x)[threadIdx.x];  //< half of a word unwritten
}

template <bool broken>
__global__ void local_array(const int* where, float* y) {
  float values[8];
  const int n = broken ? 7 : 8;
  for (int i = 0; i < n; ++i) values[(i * 3 + where[0]) % 8] = static_cast<float>(i);
  y[threadIdx.x] = values[(where[threadIdx.x] + 5) % 8];  //< unwritten element of a local array
}

template <bool broken>
__global__ void local_bounds(const int* where, float* y) {
  float values[8];
  for (int i = 0; i < 8; ++i) values[(i + where[0]) % 8] = static_cast<float>(i);
  const int i = where[threadIdx.x] + (broken ? 8 : 7);
  y[threadIdx.x] = values[i];  //< local array out of bounds
}

template <bool broken>
__global__ void overlapping(float* y) {
  const int stride = broken ? 63 : 64;
  y[blockIdx.x * stride + threadIdx.x] = 1.0f;  //< blocks overlap by one element
}

template <bool broken>
__global__ void stencil_in_place(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int n = gridDim.x * blockDim.x;
  const float right = (broken ? y : x)[(i + 1) % n];  //< stencil in place
  __syncthreads();
  y[i] = right;  //< stencil in place
}

template <bool broken>
__global__ void count_blocks(int* count) {
  if (threadIdx.x != 0) return;
  if (broken)
    *count += 1;  //< counter without atomics
  else
    atomicAdd(count, 1);
}

template <bool broken>
__global__ void scratch_round(float* scratch, float* y) {
  float* mine = scratch + blockIdx.x * blockDim.x;
  mine[threadIdx.x] = 1.0f;  //< scratch without a barrier
  if (!broken) __syncthreads();
  y += blockIdx.x * blockDim.x;
  y[threadIdx.x] = mine[blockDim.x - 1 - threadIdx.x];  //< scratch without a barrier
}

// The sum of all blocks' partial sums, by the block that comes last.
template <bool broken>
__global__ void last_block(float* partial, unsigned* count, float* y) {
  __shared__ bool last;
  partial[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f;  //< last block without a fence
  if (!broken) __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicInc(count, gridDim.x - 1) == gridDim.x - 1;
  __syncthreads();
  if (!last) return;
  float sum = 0;
  for (int block = 0; block < gridDim.x; ++block) {
    sum += partial[block * blockDim.x + threadIdx.x];  //< last block without a fence
  }
  y[threadIdx.x] = sum;
}

// The same with one writer a block; the others wait for its word.
template <bool broken>
__global__ void last_block_one_writer(float* partial, unsigned* count, float* y) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = 1.0f;  //< one writer a block without a fence
    if (!broken) __threadfence();
    last = atomicAdd(count, 1u) == gridDim.x - 1;  //< one writer a block without a fence
  }
  __syncthreads();
  if (!last) return;
  if (threadIdx.x < gridDim.x) y[threadIdx.x] = partial[threadIdx.x];  //< one writer a block without a fence
  if (threadIdx.x == 0) *count = 0;  //< one writer a block without a fence
}

// Every block reads the flag, one sets it.
template <bool broken>
__global__ void everybody_reads(int* flag, int* y) {
  const int seen = flag[0];  //< one block writes what all read
  if (threadIdx.x == 0) y[blockIdx.x] = seen;
  if (blockIdx.x == 1 && threadIdx.x == 0) flag[broken ? 0 : 1] = 1;  //< one block writes what all read
}

}  // namespace

// Broken: accesses beyond an array, or crooked ones, pass; or good ones are stopped.
TEST_CASE("planted accesses out of bounds are caught", "[simt][faults]") {
  const auto outside = FaultKind::out_of_bounds, crooked = FaultKind::misaligned;
  check_faults(__FILE__,
               {{"missing guard of the tail", outside, RUN(tail, 1, 128, 0, device_array<float>(100), 100)},
                {"off by one in a halo", outside,
                 RUN(difference, 1, 64, 0, zeroed_array<float>(64), device_array<float>(64), 64)},
                {"negative index of a padded image", outside,
                 RUN(padded, 1, 66, 0, zeroed_array<float>(64), device_array<float>(66), 64)},
                {"vector load over the end", outside,
                 RUN(by_fours, 1, 8, 0, zeroed_array<float>(30), device_array<float>(8), 30)},
                {"local array out of bounds", outside,
                 RUN(local_bounds, 1, 32, 0, zeroed_array<int>(32), device_array<float>(32))},
                {"misaligned vector load", crooked,
                 RUN(shifted_vectors, 1, 4, 0, zeroed_array<float>(32), device_array<float>(4))},
                {"misaligned vector store", crooked, RUN(shifted_pairs, 1, 4, 0, device_array<float>(16))}});
}

// Broken: memory that has been freed, or that nobody wrote, is read in silence.
TEST_CASE("planted reads of freed and unwritten memory are caught", "[simt][faults]") {
  const auto unwritten = FaultKind::unwritten_read;
  check_faults(__FILE__,
               {{"use after free", FaultKind::use_after_free,
                 [](bool broken) {
                   float* x = zeroed_array<float>(32);
                   float* y = device_array<float>(32);
                   if (broken) cudaFree(x);
                   scale<<<1, 32>>>(x, y);
                   finish();
                   if (!broken) cudaFree(x);
                 }},
                {"unwritten global memory", unwritten,
                 RUN(half_written, 1, 64, 0, device_array<float>(64), device_array<float>(64))},
                {"accumulator nobody cleared", unwritten, RUN(accumulate, 1, 64, 0, device_array<float>(64))},
                {"half of a word unwritten", unwritten,
                 RUN(half_word, 1, 32, 0, device_array<unsigned short>(64), device_array<unsigned>(32))},
                {"unwritten element of a local array", unwritten,
                 RUN(local_array, 1, 32, 0, zeroed_array<int>(32), device_array<float>(32))}});
}

// Broken: blocks that meet in global memory go unseen, or the ways to order them are not believed.
TEST_CASE("planted races of blocks are caught", "[simt][faults]") {
  const auto race = FaultKind::race_global;
  check_faults(__FILE__,
               {{"blocks overlap by one element", race, RUN(overlapping, 4, 64, 0, device_array<float>(256))},
                {"stencil in place", race,
                 RUN(stencil_in_place, 4, 64, 0, zeroed_array<float>(256), zeroed_array<float>(256))},
                {"counter without atomics", race, RUN(count_blocks, 8, 64, 0, zeroed_array<int>(1))},
                {"scratch without a barrier", race,
                 RUN(scratch_round, 2, 64, 0, device_array<float>(128), device_array<float>(128))},
                {"last block without a fence", race,
                 RUN(last_block, 8, 64, 0, device_array<float>(512), zeroed_array<unsigned>(1),
                     device_array<float>(64))},
                {"one writer a block without a fence", race,
                 RUN(last_block_one_writer, 8, 64, 0, device_array<float>(8), zeroed_array<unsigned>(1),
                     device_array<float>(8))},
                {"one block writes what all read", race,
                 RUN(everybody_reads, 4, 64, 0, zeroed_array<int>(2), device_array<int>(4))}});
}
