#include "cuda/kernels/gradient_penalty.h"
#include "cuda/kernels/loss.h"
#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/random.h"
#include "cuda/kernels/record.h"
#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;
using cuda::LossKind;
using cuda::OptimizerKind;

namespace {

/// The value without the gradient, and the gradient without the value, are what they are together.
void check_alone(cuda::LossArgs args, const Device<float>& value, const Device<float>& grad) {
  const auto both = std::pair(value.read(), grad.read());
  const Device<float> alone(value.read().size()), alone_grad(grad.read().size());
  args.value = alone.get();
  args.grad = nullptr;
  succeed(cuda::launch_loss(args, nullptr));
  args.value = nullptr;
  args.grad = alone_grad.get();
  args.workspace = nullptr;
  succeed(cuda::launch_loss(args, nullptr));
  CHECK(alone.read() == both.first);
  CHECK(alone_grad.read() == both.second);
}

}  // namespace

// A wrong value or slope of a loss, at sizes for one and many blocks, with tensors or one number as targets.
TEST_CASE("losses: value and gradient in one pass", "[cuda]") {
  if (!have_device("losses")) return;
  for (const LossKind kind : {LossKind::bce_with_logits, LossKind::least_squares, LossKind::hinge,
                              LossKind::wasserstein, LossKind::l1})
    for (const int64_t n : {1, 64, 1001, 300000})
      for (const bool tensor : {false, true}) {
        const auto x = random_floats(n, 1, -3, 3);
        auto t = random_floats(n, 2, 0, 1);
        if (kind == LossKind::hinge)
          for (float& v : t) v = v < 0.5f ? -1 : 1;
        const Device<float> d_x(x), d_t(t), value(1), grad(x.size());
        cuda::LossArgs args;
        args.kind = kind;
        args.x = d_x.get();
        args.target = tensor ? d_t.get() : nullptr;
        args.target_value = 1;
        args.count = n;
        args.smoothing = kind == LossKind::bce_with_logits ? 0.1f : 0;
        args.scale = 2.0f / static_cast<float>(n);
        args.value = value.get();
        args.grad = grad.get();
        const Workspace workspace(cuda::loss_workspace(args));
        args.workspace = workspace.get();
        for (int run = 0; run < 2; ++run) succeed(cuda::launch_loss(args, nullptr));

        double sum = 0;
        std::vector<double> slopes;
        for (size_t i = 0; i < x.size(); ++i) {
          const double v = x[i], target = tensor ? t[i] : 1.0, soft = target * 0.9 + 0.05;
          double term = 0, slope = 0;
          if (kind == LossKind::bce_with_logits) {
            term = soft * std::log1p(std::exp(-v)) + (1 - soft) * std::log1p(std::exp(v));
            slope = 1 / (1 + std::exp(-v)) - soft;
          } else if (kind == LossKind::least_squares) {
            term = 0.5 * (v - target) * (v - target);
            slope = v - target;
          } else if (kind == LossKind::hinge) {
            term = std::max(0.0, 1 - target * v);
            slope = 1 - target * v > 0 ? -target : 0;
          } else if (kind == LossKind::wasserstein) {
            term = -target * v;
            slope = -target;
          } else {
            term = std::fabs(v - target);
            slope = v > target ? 1 : -1;
          }
          sum += term * 2 / static_cast<double>(n);
          slopes.push_back(slope * 2 / static_cast<double>(n));
        }
        INFO("kind " << static_cast<int>(kind) << " n " << n);
        CHECK(std::fabs(value.read()[0] - sum) <= 1e-6 * std::max(1.0, std::fabs(sum)));
        CHECK(relative_error(grad.read(), slopes) <= 1e-6);
        check_alone(args, value, grad);
      }
}

// Cross-entropy's classes mixed up, smoothing spread wrongly, or overflow of large scores.
TEST_CASE("softmax cross-entropy in one pass", "[cuda]") {
  if (!have_device("cross-entropy")) return;
  for (const int classes : {1, 10, 33, 1000})
    for (const float smoothing : {0.0f, 0.1f}) {
      constexpr int64_t rows = 37;
      const auto x = random_floats(rows * classes, 1, 50, 100);
      const auto labels = random_indices(rows, 2, static_cast<uint32_t>(classes));
      const Device<float> d_x(x), value(1), grad(x.size());
      const Device<int32_t> d_labels(labels);
      cuda::LossArgs args;
      args.kind = LossKind::softmax_cross_entropy;
      args.x = d_x.get();
      args.labels = d_labels.get();
      args.count = rows;
      args.classes = classes;
      args.smoothing = smoothing;
      args.scale = 1.0f / rows;
      args.value = value.get();
      args.grad = grad.get();
      const Workspace workspace(cuda::loss_workspace(args));
      args.workspace = workspace.get();
      succeed(cuda::launch_loss(args, nullptr));
      double sum = 0;
      std::vector<double> slopes;
      for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
        double total = 0;
        for (size_t c = 0; c < static_cast<size_t>(classes); ++c)
          total += std::exp(static_cast<double>(x[r * static_cast<size_t>(classes) + c]) - 100);
        for (size_t c = 0; c < static_cast<size_t>(classes); ++c) {
          const double score = static_cast<double>(x[r * static_cast<size_t>(classes) + c]) - 100;
          const double t = smoothing / classes + (static_cast<int32_t>(c) == labels[r] ? 1 - smoothing : 0);
          sum -= t * (score - std::log(total)) / rows;
          slopes.push_back((std::exp(score) / total - t) / rows);
        }
      }
      INFO("classes " << classes << " smoothing " << smoothing);
      CHECK(std::fabs(value.read()[0] - sum) <= 2e-6 * std::max(1.0, std::fabs(sum)));
      CHECK(relative_error(grad.read(), slopes) <= 1e-5);
      check_alone(args, value, grad);
    }
}

// A penalty that mixes samples up, is undefined for a zero gradient, or loses what does not fit shared
// memory.
TEST_CASE("the gradient penalty in one pass", "[cuda]") {
  if (!have_device("gradient penalty")) return;
  for (const auto kind : {cuda::PenaltyKind::unit_norm, cuda::PenaltyKind::zero_norm})
    for (const int64_t size : {1, 75, 784, 12288, 30000}) {
      constexpr int64_t samples = 5;
      auto g = random_floats(samples * size, 1, -0.1f, 0.1f);
      std::fill_n(g.begin() + 2 * size, size, 0.0f);
      const Device<float> d_g(g), grad(g.size()), norms(samples), value(1);
      cuda::GradientPenaltyArgs args;
      args.kind = kind;
      args.g = d_g.get();
      args.grad = grad.get();
      args.norms = norms.get();
      args.value = value.get();
      args.weight = 10;
      args.samples = samples;
      args.size = size;
      const Workspace workspace(cuda::gradient_penalty_workspace(args));
      args.workspace = workspace.get();
      for (int run = 0; run < 2; ++run) succeed(cuda::launch_gradient_penalty(args, nullptr));
      double sum = 0;
      std::vector<double> want_norms, want;
      for (size_t n = 0; n < static_cast<size_t>(samples); ++n) {
        double square = 0;
        const auto width = static_cast<size_t>(size);
        for (size_t i = 0; i < width; ++i) square += static_cast<double>(g[n * width + i]) * g[n * width + i];
        const double norm = std::sqrt(square), share = 10.0 / samples;
        const bool unit = kind == cuda::PenaltyKind::unit_norm;
        sum += share * (unit ? (norm - 1) * (norm - 1) : square);
        const double factor = unit ? (norm > 0 ? 2 * share * (norm - 1) / norm : 0) : 2 * share;
        want_norms.push_back(norm);
        for (size_t i = 0; i < width; ++i) want.push_back(factor * g[n * width + i]);
      }
      INFO("size " << size);
      CHECK(relative_error(norms.read(), want_norms) <= 1e-6);
      CHECK(std::fabs(value.read()[0] - sum) <= 1e-6 * std::max(1.0, sum));
      CHECK(relative_error(grad.read(), want) <= 1e-6);

      const auto both = std::pair(value.read(), grad.read());
      args.grad = args.norms = nullptr;
      succeed(cuda::launch_gradient_penalty(args, nullptr));
      CHECK(value.read() == both.first);
      const Device<float> alone(g.size());
      args.grad = alone.get();
      args.value = nullptr;
      args.workspace = nullptr;
      succeed(cuda::launch_gradient_penalty(args, nullptr));
      CHECK(alone.read() == both.second);
    }
}

// Broken: a launch that needs less shared memory takes it from one of the same kernel before it, and the
// graph of both is refused.
TEST_CASE("launches with much and little shared memory are one graph", "[cuda]") {
  if (!have_device("launches with much and little shared memory")) return;
  const Device<float> g(random_floats(20000, 1)), grad(20000);
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  succeed(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  succeed(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  for (const int64_t size : {20000, 12800}) {
    cuda::GradientPenaltyArgs args;
    args.g = g.get(), args.grad = grad.get();
    args.samples = 1, args.size = size;
    succeed(cuda::launch_gradient_penalty(args, stream));
  }
  succeed(cudaStreamEndCapture(stream, &graph));
  succeed(cudaGraphInstantiate(&exec, graph, 0));
  succeed(cudaGraphLaunch(exec, stream));
  succeed(cudaStreamSynchronize(stream));
  CHECK(device_reports().empty());
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

// An optimizer that updates otherwise than torch.optim, or whose sums of squares are wrong.
TEST_CASE("optimizers over flat buffers", "[cuda]") {
  if (!have_device("optimizers")) return;
  for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::rmsprop, OptimizerKind::sgd})
    for (const int64_t n : {1, 1003, 300004})
      for (const bool extras : {false, true}) {  // momentum, weight decay, clipping, EMA
        const auto p = random_floats(n, 1), g = random_floats(n, 2), first = random_floats(n, 3, 0.1f, 1),
                   second = random_floats(n, 4, 0.1f, 1), ema = random_floats(n, 5);
        const Device<float> d_p(p), d_g(g), d_first(first), d_second(second), d_ema(ema), sums(2),
            scalars(std::vector<float>{0.01f, 0.5f, 0.002f, 0.25f});
        const Device<uint16_t> half(p.size());
        const bool adam = kind == OptimizerKind::adam;
        cuda::OptimizerArgs args;
        args.kind = kind;
        args.p = d_p.get();
        args.g = d_g.get();
        args.first = d_first.get();
        args.second = d_second.get();
        args.count = n;
        args.beta1 = adam ? 0.5f : extras ? 0.9f : 0;
        args.beta2 = 0.99f;
        args.eps = 1e-8f;
        args.lr = scalars.get();
        args.correction1 = scalars.get() + 1;
        args.correction2 = scalars.get() + 2;
        args.gradient_square = sums.get();
        args.parameter_square = sums.get() + 1;
        if (extras) {
          args.weight_decay = 0.01f;
          args.clip = true;
          args.clip_lo = -0.5f;
          args.clip_hi = 0.5f;
          args.ema = d_ema.get();
          args.ema_weight = scalars.get() + 3;
          args.p_bf16 = half.get();
        }
        const Workspace workspace(cuda::optimizer_workspace(args));
        args.workspace = workspace.get();
        succeed(cuda::launch_optimizer(args, nullptr));

        std::vector<double> want_p, want_first, want_second, want_ema;
        double g2 = 0, p2 = 0;
        const double beta1 = args.beta1, beta2 = args.beta2, lr = 0.01f;
        for (size_t i = 0; i < p.size(); ++i) {
          double v = p[i], m1 = first[i], m2 = second[i];
          const double d = g[i] + args.weight_decay * v;
          g2 += static_cast<double>(g[i]) * g[i];
          if (adam) {
            m1 = beta1 * m1 + (1 - beta1) * d;
            m2 = beta2 * m2 + (1 - beta2) * d * d;
            v -= lr / 0.5 * m1 / (std::sqrt(m2) / std::sqrt(static_cast<double>(0.002f)) + args.eps);
          } else if (kind == OptimizerKind::rmsprop) {
            m1 = beta2 * m1 + (1 - beta2) * d * d;
            const double step = d / (std::sqrt(m1) + args.eps);
            if (beta1 > 0) m2 = beta1 * m2 + step;
            v -= lr * (beta1 > 0 ? m2 : step);
          } else {
            if (beta1 > 0) m1 = beta1 * m1 + d;
            v -= lr * (beta1 > 0 ? m1 : d);
          }
          p2 += v * v;
          if (extras) v = std::clamp(v, -0.5, 0.5);
          want_p.push_back(v);
          want_first.push_back(m1);
          want_second.push_back(m2);
          want_ema.push_back(extras ? ema[i] + 0.25 * (v - ema[i]) : ema[i]);
        }
        INFO("kind " << static_cast<int>(kind) << " n " << n << " extras " << extras);
        CHECK(relative_error(d_p.read(), want_p) <= 1e-6);
        CHECK(relative_error(d_first.read(), want_first) <= 1e-6);
        CHECK(relative_error(d_second.read(), want_second) <= 1e-6);
        CHECK(relative_error(d_ema.read(), want_ema) <= 1e-6);
        CHECK(relative_error(sums.read(), std::vector<double>{g2, p2}) <= 1e-6);
        if (extras) CHECK(relative_error(as_f32(half.read()), want_p) <= 5e-3);
      }
}

// Random numbers that differ from those of the other backends, in a tail, a later step or another stream.
TEST_CASE("random numbers are those of the other backends", "[cuda]") {
  if (!have_device("random numbers")) return;
  const Device<uint64_t> step(std::vector<uint64_t>{(uint64_t{7} << 32) + 5});
  for (const int64_t n : {1, 6, 4096, 10007})
    for (const auto kind : {cuda::RandomKind::normal, cuda::RandomKind::uniform, cuda::RandomKind::bernoulli})
      for (const bool half : {false, true}) {
        const Device<float> y(static_cast<size_t>(n));
        const Device<uint16_t> y_half(static_cast<size_t>(n));
        constexpr uint64_t seed = 0x123456789abcdef0, first = 400;
        cuda::RandomArgs args{kind, seed, step.get(), 3, first, 0.3, y.get(), cuda::DType::f32, n};
        if (half) {
          args.y = y_half.get();
          args.dtype = cuda::DType::bf16;
        }
        succeed(cuda::launch_random(args, nullptr));
        std::vector<double> want;
        for (uint64_t i = 0; i < static_cast<uint64_t>(n); ++i) {
          const Philox4 words =
              philox_at(seed, (uint64_t{7} << 32) + 5, 3, static_cast<uint32_t>((first + i) / 4));
          const auto lane = static_cast<size_t>(i % 4);
          const double uniform = philox_uniform(words[lane]);
          want.push_back(kind == cuda::RandomKind::normal    ? philox_normal(words, static_cast<int>(lane))
                         : kind == cuda::RandomKind::uniform ? uniform
                                                             : (uniform < 0.3 ? 1 : 0));
        }
        const double error = relative_error(half ? as_f32(y_half.read()) : y.read(), want);
        CHECK(error <= (half ? 5e-3 : kind == cuda::RandomKind::normal ? 1e-6 : 0));
      }
}

// The ring's slot of another step, a NaN that goes unnoticed, or one that is noticed where there is none.
TEST_CASE("the loss ring records scalars and notices what is not finite", "[cuda]") {
  if (!have_device("loss ring")) return;
  constexpr int capacity = 4, pitch = 80, count = 70;
  auto values = random_floats(count, 1);
  const Device<float> scalars(values), ring(std::vector<float>(capacity * pitch));
  const Device<uint64_t> steps(std::vector<uint64_t>(size_t{capacity})), step(std::vector<uint64_t>{10});
  const Device<int32_t> flags(std::vector<int32_t>(size_t{capacity}));
  cuda::RecordArgs args;
  for (int k = 0; k < count; ++k) args.scalars[k] = scalars.get() + k;
  args.count = count;
  args.ring = ring.get();
  args.steps = steps.get();
  args.flags = flags.get();
  args.pitch = pitch;
  args.capacity = capacity;
  args.step = step.get();
  succeed(cuda::launch_record(args, nullptr));
  const auto slots = ring.read();
  CHECK(std::vector<float>(slots.begin() + 2 * pitch, slots.begin() + 2 * pitch + count) == values);
  CHECK(steps.read() == std::vector<uint64_t>{0, 0, 11, 0});
  CHECK(flags.read() == std::vector<int32_t>{0, 0, 0, 0});

  values[65] = NAN;
  const Device<float> bad(values);
  args.scalars[65] = bad.get() + 65;
  succeed(cuda::launch_record(args, nullptr));
  CHECK(flags.read() == std::vector<int32_t>{0, 0, 1, 0});
}
