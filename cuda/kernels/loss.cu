#include "cuda/kernels/accumulate.cuh"
#include "cuda/kernels/loss.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256, warps = threads / 32, most_blocks = 512;

/// One element's term and its derivative by x.
struct Term {
  float value, slope;
};

template <LossKind kind>
__device__ Term term(float x, float t) {
  if constexpr (kind == LossKind::bce_with_logits) {
    // t softplus(-x) + (1 - t) softplus(x), and (1 - t) sigmoid(x) - t sigmoid(-x): no cancellation where t
    // is 0 or 1.
    const float e = expf(-fabsf(x)), most = 1 - t;
    const float up = x > 0 ? most : most * e, down = x > 0 ? t * e : t;
    return {(x > 0 ? most * x : -t * x) + log1pf(e), (up - down) / (1 + e)};
  } else if constexpr (kind == LossKind::least_squares) {
    const float d = x - t;
    return {0.5f * d * d, d};
  } else if constexpr (kind == LossKind::hinge) {
    const float slack = 1 - t * x;
    return {slack < 0 ? 0.0f : slack, slack > 0 ? -t : 0.0f};
  } else if constexpr (kind == LossKind::wasserstein) {
    return {-t * x, -t};
  } else {
    const float d = x - t;
    return {fabsf(d), d > 0 ? 1.0f : d < 0 ? -1.0f : 0.0f};
  }
}

/// Merges every thread's share of the value; the last block writes it.
__device__ void finish(const LossArgs& args, const Sum& own) {
  if (args.value == nullptr) return;
  auto* const counter = static_cast<uint32_t*>(args.workspace);
  auto* const partials = reinterpret_cast<double*>(counter + 4);
  const double sum = block_sum<threads>(own.total());
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
  if (!last_block_done(counter, gridDim.x)) return;
  double part = 0;
  for (uint32_t i = threadIdx.x; i < gridDim.x; i += threads) part += partials[i];
  const double all = block_sum<threads>(part);
  if (threadIdx.x == 0) *args.value = static_cast<float>(all * args.scale);
}

template <LossKind kind>
__device__ float one(const LossArgs& args, float x, float t, Sum& sum) {
  if constexpr (kind == LossKind::bce_with_logits) t = t * (1 - args.smoothing) + 0.5f * args.smoothing;
  const Term of = term<kind>(x, t);
  sum.add(of.value);
  return of.slope * args.scale;
}

template <LossKind kind, int width>
__global__ void __launch_bounds__(threads) pointwise_loss(const __grid_constant__ LossArgs args) {
  Sum sum;
  const int64_t packs = args.count / width, step = int64_t{gridDim.x} * threads;
  for (int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x; i < packs; i += step) {
    if constexpr (width == 4) {
      const float4 x = load4(args.x + i * 4);
      const float all = args.target_value;
      const float4 t = args.target != nullptr ? load4(args.target + i * 4) : float4{all, all, all, all};
      const float4 grad = {one<kind>(args, x.x, t.x, sum), one<kind>(args, x.y, t.y, sum),
                           one<kind>(args, x.z, t.z, sum), one<kind>(args, x.w, t.w, sum)};
      if (args.grad != nullptr) store4(args.grad + i * 4, grad);
    } else {
      const float t = args.target != nullptr ? args.target[i] : args.target_value;
      const float grad = one<kind>(args, args.x[i], t, sum);
      if (args.grad != nullptr) args.grad[i] = grad;
    }
  }
  finish(args, sum);
}

/// A warp a row: the largest score, the sum of exponentials about it, then value and gradient. Rows are read
/// three times, from the first-level cache but for the first.
__global__ void __launch_bounds__(threads) cross_entropy(const __grid_constant__ LossArgs args) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float off = args.smoothing / static_cast<float>(args.classes), on = 1 - args.smoothing + off;
  Sum sum;
  for (int64_t row = int64_t{blockIdx.x} * warps + threadIdx.x / 32; row < args.count;
       row += int64_t{gridDim.x} * warps) {
    const float* const x = args.x + row * args.classes;
    const int label = args.labels[row];
    float top = -__builtin_huge_valf();
    for (int c = lane; c < args.classes; c += 32) top = max_or_nan(top, x[c]);
    top = warp_max(top);
    float total = 0, scores = 0;
    for (int c = lane; c < args.classes; c += 32) {
      total += expf(x[c] - top);
      scores += (c == label ? on : off) * (x[c] - top);
    }
    total = warp_sum(total);
    scores = warp_sum(scores);
    // The targets add up to 1, hence -sum t log(p) = log(total) - sum t (x - top).
    if (lane == 0) sum.add(logf(total) - scores);
    if (args.grad == nullptr) continue;
    for (int c = lane; c < args.classes; c += 32)
      args.grad[row * args.classes + c] = args.scale * (expf(x[c] - top) / total - (c == label ? on : off));
  }
  finish(args, sum);
}

unsigned blocks_for(int64_t items, int at_a_time) {
  const int64_t needed = ceil_div(items, at_a_time);
  return static_cast<unsigned>(needed < 1 ? 1 : needed < most_blocks ? needed : most_blocks);
}

template <LossKind kind>
void launch(const LossArgs& args, cudaStream_t stream) {
  if (args.count % 4 == 0 && aligned(args.x, 16) && aligned(args.target, 16) && aligned(args.grad, 16))
    pointwise_loss<kind, 4><<<blocks_for(args.count / 4, threads), threads, 0, stream>>>(args);
  else
    pointwise_loss<kind, 1><<<blocks_for(args.count, threads), threads, 0, stream>>>(args);
}

}  // namespace

size_t loss_workspace(const LossArgs&) {
  return 4 * sizeof(uint32_t) + most_blocks * sizeof(double);
}

cudaError_t launch_loss(const LossArgs& args, cudaStream_t stream) {
  if (args.value == nullptr ? args.grad == nullptr : args.workspace == nullptr) return cudaErrorInvalidValue;
  if (args.count < 1) return cudaErrorInvalidValue;
  switch (args.kind) {
    case LossKind::bce_with_logits:
      launch<LossKind::bce_with_logits>(args, stream);
      break;
    case LossKind::least_squares:
      launch<LossKind::least_squares>(args, stream);
      break;
    case LossKind::hinge:
      launch<LossKind::hinge>(args, stream);
      break;
    case LossKind::wasserstein:
      launch<LossKind::wasserstein>(args, stream);
      break;
    case LossKind::l1:
      launch<LossKind::l1>(args, stream);
      break;
    case LossKind::softmax_cross_entropy:
      if (args.classes < 1 || args.labels == nullptr) return cudaErrorInvalidValue;
      cross_entropy<<<blocks_for(args.count, warps), threads, 0, stream>>>(args);
      break;
  }
  return cudaGetLastError();
}

}  // namespace agon::cuda
