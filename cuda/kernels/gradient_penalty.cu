#include "cuda/kernels/accumulate.cuh"
#include "cuda/kernels/gradient_penalty.h"
#include "cuda/kernels/shared_memory.h"

namespace agon::cuda {
namespace {

constexpr int threads = 512;
constexpr int64_t most_kept = 96 << 10;  ///< bytes of a sample that stay in shared memory

template <int width>
struct Pack {
  float v[width];
};
template <>
struct alignas(16) Pack<4> {
  float v[4];
};

/// One block a sample. `kept` packs of it stay in shared memory.
template <int width>
__global__ void __launch_bounds__(threads)
    gradient_penalty(const __grid_constant__ GradientPenaltyArgs args, int64_t packs, int64_t kept) {
  extern __shared__ __align__(16) unsigned char memory[];
  auto* const keep = reinterpret_cast<Pack<width>*>(memory);
  const auto* const g = reinterpret_cast<const Pack<width>*>(args.g) + blockIdx.x * packs;
  Sum squares;
#pragma unroll 4
  for (int64_t i = threadIdx.x; i < packs; i += threads) {
    const Pack<width> x = g[i];
    if (i < kept) keep[i] = x;
#pragma unroll
    for (int k = 0; k < width; ++k) squares.add(x.v[k] * x.v[k]);
  }
  const double square = block_sum<threads>(squares.total());
  const double norm = sqrt(square), share = static_cast<double>(args.weight) / gridDim.x;

  if (args.grad != nullptr) {
    double factor = 2 * share;
    if (args.kind == PenaltyKind::unit_norm) factor = norm == 0 ? 0 : 2 * share * (norm - 1) / norm;
    const auto by = static_cast<float>(factor);
    auto* const grad = reinterpret_cast<Pack<width>*>(args.grad) + blockIdx.x * packs;
#pragma unroll 4
    for (int64_t i = threadIdx.x; i < packs; i += threads) {
      Pack<width> x = i < kept ? keep[i] : g[i];
#pragma unroll
      for (int k = 0; k < width; ++k) x.v[k] *= by;
      grad[i] = x;
    }
  }

  if (threadIdx.x == 0 && args.norms != nullptr) args.norms[blockIdx.x] = static_cast<float>(norm);
  if (args.value == nullptr) return;
  auto* const counter = static_cast<uint32_t*>(args.workspace);
  auto* const terms = reinterpret_cast<double*>(counter + 4);
  if (threadIdx.x == 0)
    terms[blockIdx.x] = args.kind == PenaltyKind::unit_norm ? (norm - 1) * (norm - 1) : square;
  if (!last_block_done(counter, gridDim.x)) return;
  double part = 0;
  for (uint32_t i = threadIdx.x; i < gridDim.x; i += threads) part += terms[i];
  const double all = block_sum<threads>(part);
  if (threadIdx.x == 0) *args.value = static_cast<float>(all * share);
}

template <int width>
cudaError_t launch(const GradientPenaltyArgs& args, cudaStream_t stream) {
  const int64_t packs = args.size / width, most = most_kept / static_cast<int64_t>(sizeof(Pack<width>));
  const int64_t kept = args.grad == nullptr ? 0 : packs < most ? packs : most;
  const size_t bytes = static_cast<size_t>(kept) * sizeof(Pack<width>);
  auto* const kernel = gradient_penalty<width>;
  if (const cudaError_t error = allow_shared(reinterpret_cast<const void*>(kernel), bytes);
      error != cudaSuccess)
    return error;
  kernel<<<static_cast<unsigned>(args.samples), threads, bytes, stream>>>(args, packs, kept);
  return cudaGetLastError();
}

}  // namespace

size_t gradient_penalty_workspace(const GradientPenaltyArgs& args) {
  return 4 * sizeof(uint32_t) + static_cast<size_t>(args.samples) * sizeof(double);
}

cudaError_t launch_gradient_penalty(const GradientPenaltyArgs& args, cudaStream_t stream) {
  if (args.samples < 1 || args.size < 1 || (args.value != nullptr && args.workspace == nullptr))
    return cudaErrorInvalidValue;
  const bool wide = args.size % 4 == 0 && aligned(args.g, 16) && aligned(args.grad, 16);
  return wide ? launch<4>(args, stream) : launch<1>(args, stream);
}

}  // namespace agon::cuda
