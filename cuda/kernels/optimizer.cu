#include "cuda/kernels/accumulate.cuh"
#include "cuda/kernels/optimizer.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256, most_blocks = 1024;

/// What an update needs beside the buffers, read and worked out once a thread.
struct Rates {
  float lr, step, root, ema;  ///< adam: step = lr / correction1, root = 1 / sqrt(correction2)
};

struct Element {
  float p, first, second;
};

template <OptimizerKind kind>
__device__ void update(const OptimizerArgs& a, const Rates& rates, Element& e, float g) {
  if constexpr (kind == OptimizerKind::adam) {
    e.first = a.beta1 * e.first + (1 - a.beta1) * g;
    e.second = a.beta2 * e.second + (1 - a.beta2) * g * g;
    e.p -= rates.step * e.first / (sqrtf(e.second) * rates.root + a.eps);
  } else if constexpr (kind == OptimizerKind::rmsprop) {
    e.first = a.beta2 * e.first + (1 - a.beta2) * g * g;
    const float d = g / (sqrtf(e.first) + a.eps);
    if (a.beta1 > 0) e.second = a.beta1 * e.second + d;
    e.p -= rates.lr * (a.beta1 > 0 ? e.second : d);
  } else {
    if (a.beta1 > 0) e.first = a.beta1 * e.first + g;
    e.p -= rates.lr * (a.beta1 > 0 ? e.first : g);
  }
}

template <int width>
struct Pack {
  float v[width];
};
template <int width>
__device__ Pack<width> get(const float* from, int64_t i) {
  if constexpr (width == 4) {
    const float4 x = load4(from + i * 4);
    return {{x.x, x.y, x.z, x.w}};
  } else {
    return {{from[i]}};
  }
}
template <int width, class T>
__device__ void put(T* to, int64_t i, const Pack<width>& x) {
  if constexpr (width == 4)
    store4(to + i * 4, {x.v[0], x.v[1], x.v[2], x.v[3]});
  else
    store1(to + i, x.v[0]);
}

template <OptimizerKind kind, int width>
__global__ void __launch_bounds__(threads)
    optimizer_step(const __grid_constant__ OptimizerArgs a, double* partials, uint32_t* counter) {
  constexpr bool adam = kind == OptimizerKind::adam;
  const bool momentum = a.beta1 > 0;
  const bool uses_first = kind != OptimizerKind::sgd || momentum;
  const bool uses_second = adam || (kind == OptimizerKind::rmsprop && momentum);
  Rates rates{*a.lr, 0, 0, a.ema != nullptr ? *a.ema_weight : 0};
  if constexpr (adam) {
    rates.step = rates.lr / *a.correction1;
    rates.root = 1 / sqrtf(*a.correction2);
  }
  Sum gradients, parameters;
  const int64_t packs = a.count / width;
  for (int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x; i < packs;
       i += int64_t{gridDim.x} * threads) {
    Pack<width> p = get<width>(a.p, i), first{}, second{};
    const Pack<width> g = get<width>(a.g, i);
    if (uses_first) first = get<width>(a.first, i);
    if (uses_second) second = get<width>(a.second, i);
#pragma unroll
    for (int k = 0; k < width; ++k) {
      Element e{p.v[k], first.v[k], second.v[k]};
      gradients.add(g.v[k] * g.v[k]);
      update<kind>(a, rates, e, g.v[k] + a.weight_decay * e.p);
      parameters.add(e.p * e.p);
      p.v[k] = a.clip ? fminf(fmaxf(e.p, a.clip_lo), a.clip_hi) : e.p;
      first.v[k] = e.first;
      second.v[k] = e.second;
    }
    put<width>(a.p, i, p);
    if (uses_first) put<width>(a.first, i, first);
    if (uses_second) put<width>(a.second, i, second);
    if (a.p_bf16 != nullptr) put<width>(a.p_bf16, i, p);
    if (a.ema != nullptr) {
      Pack<width> average = get<width>(a.ema, i);
#pragma unroll
      for (int k = 0; k < width; ++k) average.v[k] += rates.ema * (p.v[k] - average.v[k]);
      put<width>(a.ema, i, average);
    }
  }
  if (a.gradient_square == nullptr && a.parameter_square == nullptr) return;

  const double g2 = block_sum<threads>(gradients.total()), p2 = block_sum<threads>(parameters.total());
  if (threadIdx.x == 0) {
    partials[2 * blockIdx.x] = g2;
    partials[2 * blockIdx.x + 1] = p2;
  }
  if (!last_block_done(counter, gridDim.x)) return;
  double own[2] = {};
  for (uint32_t i = threadIdx.x; i < gridDim.x; i += threads) {
    own[0] += partials[2 * i];
    own[1] += partials[2 * i + 1];
  }
  const double all_g2 = block_sum<threads>(own[0]), all_p2 = block_sum<threads>(own[1]);
  if (threadIdx.x != 0) return;
  if (a.gradient_square != nullptr) *a.gradient_square = static_cast<float>(all_g2);
  if (a.parameter_square != nullptr) *a.parameter_square = static_cast<float>(all_p2);
}

unsigned blocks_for(int64_t packs) {
  const int64_t needed = ceil_div(packs, threads);
  return static_cast<unsigned>(needed < 1 ? 1 : needed < most_blocks ? needed : most_blocks);
}

template <OptimizerKind kind>
void launch(const OptimizerArgs& args, bool wide, cudaStream_t stream) {
  auto* const counter = static_cast<uint32_t*>(args.workspace);
  auto* const partials =
      reinterpret_cast<double*>(static_cast<char*>(args.workspace) + (counter != nullptr ? 16 : 0));
  if (wide)
    optimizer_step<kind, 4><<<blocks_for(args.count / 4), threads, 0, stream>>>(args, partials, counter);
  else
    optimizer_step<kind, 1><<<blocks_for(args.count), threads, 0, stream>>>(args, partials, counter);
}

}  // namespace

size_t optimizer_workspace(const OptimizerArgs&) {
  return 16 + 2 * most_blocks * sizeof(double);
}

cudaError_t launch_optimizer(const OptimizerArgs& args, cudaStream_t stream) {
  const bool adam = args.kind == OptimizerKind::adam;
  const bool sums = args.gradient_square != nullptr || args.parameter_square != nullptr;
  if (args.lr == nullptr || (adam && (args.correction1 == nullptr || args.correction2 == nullptr)) ||
      (args.ema != nullptr && args.ema_weight == nullptr) || (sums && args.workspace == nullptr))
    return cudaErrorInvalidValue;
  bool wide = args.count % 4 == 0 && aligned(args.p_bf16, 8);
  for (const void* p : {static_cast<const void*>(args.p), static_cast<const void*>(args.g),
                        static_cast<const void*>(args.first), static_cast<const void*>(args.second),
                        static_cast<const void*>(args.ema)})
    wide = wide && aligned(p, 16);
  if (adam)
    launch<OptimizerKind::adam>(args, wide, stream);
  else if (args.kind == OptimizerKind::rmsprop)
    launch<OptimizerKind::rmsprop>(args, wide, stream);
  else
    launch<OptimizerKind::sgd>(args, wide, stream);
  return cudaGetLastError();
}

}  // namespace agon::cuda
