#include "cuda/kernels/device.cuh"
#include "cuda/kernels/random.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256;

/// The rounds of agon::philox4x32.
__device__ uint4 philox(uint4 counter, uint32_t key0, uint32_t key1) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const uint32_t a_low = 0xD2511F53u * counter.x, a_high = __umulhi(0xD2511F53u, counter.x);
    const uint32_t b_low = 0xCD9E8D57u * counter.z, b_high = __umulhi(0xCD9E8D57u, counter.z);
    counter = {b_high ^ counter.y ^ key0, b_low, a_high ^ counter.w ^ key1, a_low};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

__device__ float uniform(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

/// A pair of normal numbers (Box and Muller) as agon::philox_normal has them.
__device__ float2 normal(uint32_t for_radius, uint32_t for_angle) {
  const float u = static_cast<float>((for_radius >> 8) + 1) * 0x1p-24f;
  const float radius = sqrtf(-2 * logf(u));
  float sine, cosine;
  sincospif(static_cast<float>(for_angle >> 8) * 0x1p-23f, &sine, &cosine);
  return {radius * cosine, radius * sine};
}

/// `bound`: a uniform number is an integer over 2^24, below p exactly if that integer is below it.
template <RandomKind kind, class T>
__global__ void __launch_bounds__(threads) random_fill(const RandomArgs args, uint32_t bound, bool wide) {
  const int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i * 4 >= args.count) return;
  const uint64_t step = *args.step;
  const uint4 words = philox({static_cast<uint32_t>(args.first / 4 + static_cast<uint64_t>(i)),
                              static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32), args.stream},
                             static_cast<uint32_t>(args.seed), static_cast<uint32_t>(args.seed >> 32));
  float4 y;
  if constexpr (kind == RandomKind::normal) {
    const float2 first = normal(words.x, words.y), second = normal(words.z, words.w);
    y = {first.x, first.y, second.x, second.y};
  } else if constexpr (kind == RandomKind::uniform) {
    y = {uniform(words.x), uniform(words.y), uniform(words.z), uniform(words.w)};
  } else {
    const auto draw = [&](uint32_t word) { return word >> 8 < bound ? 1.0f : 0.0f; };
    y = {draw(words.x), draw(words.y), draw(words.z), draw(words.w)};
  }
  T* const out = static_cast<T*>(args.y) + i * 4;
  const int64_t rest = args.count - i * 4;
  if (wide && rest >= 4) return store4(out, y);
  store1(out, y.x);
  if (rest > 1) store1(out + 1, y.y);
  if (rest > 2) store1(out + 2, y.z);
  if (rest > 3) store1(out + 3, y.w);
}

template <class T>
void launch(const RandomArgs& args, cudaStream_t stream) {
  const double scaled = args.p * 0x1p24;
  auto bound = static_cast<uint32_t>(scaled < 0 ? 0 : scaled > 0x1p24 ? 0x1p24 : scaled);
  if (scaled > bound && bound < 1u << 24) ++bound;
  const bool wide = aligned(args.y, 4 * sizeof(T));
  const auto blocks = static_cast<unsigned>(ceil_div(ceil_div(args.count, 4), threads));
  if (args.kind == RandomKind::normal)
    random_fill<RandomKind::normal, T><<<blocks, threads, 0, stream>>>(args, bound, wide);
  else if (args.kind == RandomKind::uniform)
    random_fill<RandomKind::uniform, T><<<blocks, threads, 0, stream>>>(args, bound, wide);
  else
    random_fill<RandomKind::bernoulli, T><<<blocks, threads, 0, stream>>>(args, bound, wide);
}

}  // namespace

cudaError_t launch_random(const RandomArgs& args, cudaStream_t stream) {
  if (args.first % 4 != 0 || (args.dtype != DType::f32 && args.dtype != DType::bf16))
    return cudaErrorInvalidValue;
  if (args.count == 0) return cudaSuccess;
  args.dtype == DType::bf16 ? launch<uint16_t>(args, stream) : launch<float>(args, stream);
  return cudaGetLastError();
}

}  // namespace agon::cuda
