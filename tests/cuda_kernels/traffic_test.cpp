#include "cuda_kernels/traffic.h"

#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/gradient_penalty.h"
#include "cuda/kernels/loss.h"
#include "cuda/kernels/norm.h"
#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/random.h"
#include "cuda/kernels/reduce.h"
#include "cuda/kernels/shape.h"
#include "cuda/kernels/softmax.h"
#include "cuda/kernels/spectral_norm.h"

using namespace agon;
using namespace agon::test;

namespace {

cuda::ElementwiseArgs program(int inputs, const Device<float>& x, const Device<float>& y) {
  cuda::ElementwiseArgs args;
  args.rank = 1;
  args.extents[0] = count_of;
  args.input_count = inputs;
  for (int k = 0; k < inputs; ++k) {
    args.inputs[k].data = x.get();
    args.inputs[k].strides[0] = 1;
  }
  args.output_count = 1;
  args.outputs[0].data = y.get();
  return args;
}

cuda::CopyArgs transpose_of(const Device<float>& x, const Device<float>& y,
                            const std::vector<int64_t>& extents, const std::vector<int>& axes) {
  cuda::CopyArgs args;
  args.src = x.get();
  args.dst = y.get();
  args.rank = static_cast<int>(extents.size());
  std::vector<int64_t> strides(extents.size(), 1);
  for (size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
  int64_t stride = 1;
  for (size_t i = axes.size(); i-- > 0;) {
    args.extents[i] = extents[static_cast<size_t>(axes[i])];
    args.src_strides[i] = strides[static_cast<size_t>(axes[i])];
    args.dst_strides[i] = stride;
    stride *= args.extents[i];
  }
  return args;
}

}  // namespace

// A kernel that reads a tensor twice, or in pieces of sectors, costs bandwidth on any GPU.
TEST_CASE("memory-bound kernels move hardly more than the fewest bytes", "[cuda]") {
  if (!have_counters("traffic of memory-bound kernels")) return;
  const auto values = random_floats(count_of, 1, 0.5f, 1.5f);
  const Device<float> x(values), x2(values), x3(values), x4(values), y(values.size()), small(size_t{4096});
  const Device<uint16_t> half(values.size());

  auto single = program(2, x, y);
  single.inputs[1].data = x2.get();
  single.code_count = 1;
  single.code[0] = {cuda::ElementwiseOp::add, {0, 1, -1}, {}, 0, 0};
  check("add", 3 * mib, [&] { succeed(cuda::launch_elementwise(single, nullptr)); });

  auto cast = program(1, x, y);
  cast.code_count = 1;
  cast.code[0] = {cuda::ElementwiseOp::cast, {0, -1, -1}, {}, 0, 0};
  cast.outputs[0] = {half.get(), cuda::DType::bf16, 0, false, 1};
  check("cast to bf16", 1.5 * mib, [&] { succeed(cuda::launch_elementwise(cast, nullptr)); });

  auto chain = program(3, x, y);
  chain.inputs[1].data = x2.get();
  chain.inputs[2] = {nullptr, cuda::DType::f32, 0.5f, {}};
  chain.code_count = 3;
  chain.code[0] = {cuda::ElementwiseOp::sub, {0, 1, -1}, {}, 0, 0};
  chain.code[1] = {cuda::ElementwiseOp::mul, {3, 3, -1}, {}, 0, 0};
  chain.code[2] = {cuda::ElementwiseOp::mul, {3, 2, -1}, {}, 0, 0};
  chain.output_count = 2;
  chain.outputs[0].temporary = 2;
  chain.outputs[1] = {small.get(), cuda::DType::f32, 1, true, 1};
  const Workspace chain_space(cuda::elementwise_workspace(chain));
  chain.workspace = chain_space.get();
  check("program with a sum", 3 * mib, [&] { succeed(cuda::launch_elementwise(chain, nullptr)); });

  for (const auto& [name, extents, axes] :
       {std::tuple<const char*, std::vector<int64_t>, std::vector<int>>{"sum of all", {count_of}, {0}},
        {"sums of rows", {2048, 128}, {1}},
        {"sums of short rows", {16384, 16}, {1}},
        {"sums of columns", {4096, 64}, {0}},
        {"sums of images", {8, 512, 64}, {1}}}) {
    cuda::ReduceArgs args;
    args.x = x.get();
    args.y = y.get();
    args.rank = static_cast<int>(extents.size());
    double outputs = 1;
    for (size_t i = 0; i < extents.size(); ++i) {
      args.extents[i] = extents[i];
      args.reduced[i] = std::ranges::find(axes, static_cast<int>(i)) != axes.end();
      if (!args.reduced[i]) outputs *= static_cast<double>(extents[i]);
    }
    const Workspace space(cuda::reduce_workspace(args));
    args.workspace = space.get();
    check(name, mib + 4 * outputs, [&] { succeed(cuda::launch_reduce(args, nullptr)); });
  }

  for (const int channels : {64, 512}) {
    const int64_t rows = count_of / channels;
    const auto at = [&](int k) { return small.get() + k * channels; };
    succeed(cuda::launch_fill({small.get(), cuda::DType::f32, 0.5, 4096}, nullptr));
    cuda::BatchNormStatsArgs stats;
    stats.x = x.get();
    stats.rows = rows;
    stats.channels = channels;
    stats.finish.mean = at(0);
    stats.finish.inv_std = at(1);
    const Workspace stats_space(cuda::batch_norm_stats_workspace(stats));
    stats.workspace = stats_space.get();
    check("batch norm statistics", mib, [&] { succeed(cuda::launch_batch_norm_stats(stats, nullptr)); });

    cuda::BatchNormApplyArgs apply;
    apply.x = x.get();
    apply.y = y.get();
    apply.mean = at(0);
    apply.inv_std = at(1);
    apply.gamma = apply.beta = at(2);
    apply.activation = {cuda::ActivationKind::leaky_relu, 0.2f};
    apply.rows = rows;
    apply.channels = channels;
    check("batch norm", 2 * mib, [&] { succeed(cuda::launch_batch_norm_apply(apply, nullptr)); });

    cuda::BatchNormGradArgs grad;
    grad.x = x.get();
    grad.dy = x2.get();
    grad.dx = y.get();
    grad.mean = at(0);
    grad.inv_std = at(1);
    grad.gamma = grad.beta = at(2);
    grad.activation = apply.activation;
    grad.dgamma = at(3);
    grad.dbeta = at(4);
    grad.rows = rows;
    grad.channels = channels;
    const Workspace grad_space(cuda::batch_norm_grad_workspace(grad));
    grad.workspace = grad_space.get();
    check("batch norm backward, sums", 2 * mib,
          [&] { succeed(cuda::launch_batch_norm_grad_reduce(grad, nullptr)); });
    check("batch norm backward, dx", 3 * mib,
          [&] { succeed(cuda::launch_batch_norm_grad_apply(grad, nullptr)); });
  }

  cuda::OptimizerArgs adam;
  adam.p = y.get();
  adam.g = x.get();
  adam.first = x3.get();
  adam.second = x4.get();
  adam.count = count_of;
  adam.beta1 = 0.5f;
  adam.beta2 = 0.99f;
  adam.eps = 1e-8f;
  adam.lr = adam.correction1 = adam.correction2 = small.get();
  adam.gradient_square = small.get() + 1;
  adam.parameter_square = small.get() + 2;
  const Workspace adam_space(cuda::optimizer_workspace(adam));
  adam.workspace = adam_space.get();
  check("adam", 7 * mib, [&] { succeed(cuda::launch_optimizer(adam, nullptr)); });

  cuda::LossArgs loss;
  loss.kind = cuda::LossKind::l1;
  loss.x = x.get();
  loss.target = x2.get();
  loss.count = count_of;
  loss.value = small.get();
  loss.grad = y.get();
  const Workspace loss_space(cuda::loss_workspace(loss));
  loss.workspace = loss_space.get();
  check("l1 loss", 3 * mib, [&] { succeed(cuda::launch_loss(loss, nullptr)); });

  cuda::GradientPenaltyArgs penalty;
  penalty.g = x.get();
  penalty.grad = y.get();
  penalty.norms = small.get();
  penalty.value = small.get() + 64;
  penalty.samples = 32;
  penalty.size = count_of / 32;
  const Workspace penalty_space(cuda::gradient_penalty_workspace(penalty));
  penalty.workspace = penalty_space.get();
  // 32 KiB a sample: all of it is kept.
  check("gradient penalty", 2 * mib, [&] { succeed(cuda::launch_gradient_penalty(penalty, nullptr)); });

  // (real - fake) epsilon[n] + fake, as graphs interpolate for the gradient penalty.
  cuda::ElementwiseArgs between;
  between.rank = 2;
  between.extents[0] = 32;
  between.extents[1] = count_of / 32;
  between.input_count = 3;
  between.output_count = 1;
  between.code_count = 3;
  between.inputs[0] = {x.get(), cuda::DType::f32, 0, {count_of / 32, 1}};
  between.inputs[1] = {x2.get(), cuda::DType::f32, 0, {count_of / 32, 1}};
  between.inputs[2] = {small.get(), cuda::DType::f32, 0, {1, 0}};
  between.code[0] = {cuda::ElementwiseOp::sub, {0, 1, -1}, {}, 0, 0};
  between.code[1] = {cuda::ElementwiseOp::mul, {3, 2, -1}, {}, 0, 0};
  between.code[2] = {cuda::ElementwiseOp::add, {4, 1, -1}, {}, 0, 0};
  between.outputs[0] = {y.get(), cuda::DType::f32, 2, false, 1};
  check("interpolation", 3 * mib, [&] { succeed(cuda::launch_elementwise(between, nullptr)); });

  const Device<uint64_t> step(std::vector<uint64_t>{3});
  check("random normal", mib, [&] {
    succeed(cuda::launch_random(
        {cuda::RandomKind::normal, 1, step.get(), 0, 0, 0.5, y.get(), cuda::DType::f32, count_of}, nullptr));
  });

  for (const auto& [name, extents, axes] :
       {std::tuple<const char*, std::vector<int64_t>, std::vector<int>>{"transpose", {512, 512}, {1, 0}},
        {"NHWC to NCHW", {16, 16, 16, 64}, {0, 3, 1, 2}},
        {"pixel shuffle", {256, 16, 16, 2, 2}, {0, 3, 1, 4, 2}},
        {"pixel unshuffle", {256, 2, 16, 2, 16}, {0, 2, 4, 1, 3}},
        {"swap of rows", {64, 64, 64}, {1, 0, 2}}})
    check(name, 2 * mib,
          [&, e = extents, a = axes] { succeed(cuda::launch_copy(transpose_of(x, y, e, a), nullptr)); });

  check("softmax", 2 * mib, [&] {
    succeed(cuda::launch_softmax({x.get(), y.get(), 256, 1024, false, -1}, nullptr));
  });
}

// The same of the norms of samples and of power iterations, which keep what they can between their passes.
TEST_CASE("norms of samples move hardly more than the fewest bytes", "[cuda]") {
  if (!have_counters("traffic of norms of samples")) return;
  const auto values = random_floats(count_of, 1, 0.5f, 1.5f);
  const Device<float> x(values), dy(values), y(values.size()), small(size_t{1} << 15), other(size_t{1} << 15);
  const Device<float> statistics(size_t{1} << 14);
  struct Row {
    const char* name;
    int64_t samples;
    int channels;
    bool split, affine;
  };
  for (const Row& row : {Row{"instance norm, kept", 8, 64, false, true},
                         {"instance norm, split", 1, 32, true, true},
                         {"layer norm, by warps", 512, 1, false, false},
                         {"layer norm, kept", 32, 1, false, false},
                         {"layer norm, split", 4, 1, true, false}}) {
    const bool by_row = row.channels == 1;
    const auto vector = [&](size_t at) { return row.affine ? small.get() + at : nullptr; };
    cuda::NormArgs args;
    args.x = x.get(), args.y = y.get();
    args.gamma = vector(0), args.beta = vector(64);
    args.mean = statistics.get(), args.inv_std = statistics.get() + 8192;
    args.samples = row.samples, args.channels = row.channels, args.by_row = by_row;
    args.rows = count_of / (row.samples * row.channels);
    if (row.affine) succeed(cuda::launch_fill({small.get(), cuda::DType::f32, 0.5, 4096}, nullptr));
    const Workspace space(cuda::norm_workspace(args));
    args.workspace = space.get();
    check(row.name, (row.split ? 3 : 2) * mib, [&] { succeed(cuda::launch_norm(args, nullptr)); });

    cuda::NormGradArgs grad;
    grad.x = x.get(), grad.dy = dy.get(), grad.dx = y.get();
    grad.mean = args.mean, grad.inv_std = args.inv_std, grad.gamma = args.gamma;
    if (row.affine) grad.dgamma = other.get(), grad.dbeta = other.get() + 64;
    grad.samples = args.samples, grad.rows = args.rows, grad.channels = args.channels, grad.by_row = by_row;
    const Workspace grad_space(cuda::norm_grad_workspace(grad));
    grad.workspace = grad_space.get();
    check(std::string(row.name) + ", backward", (row.split ? 5 : 3) * mib,
          [&] { succeed(cuda::launch_norm_grad(grad, nullptr)); });
  }

  cuda::SpectralNormArgs norm;
  norm.count = 1;
  cuda::SpectralNorm& m = norm.matrices[0];
  m.w = x.get(), m.u = small.get(), m.new_u = other.get(), m.sigma = other.get() + 4096,
  m.v = other.get() + 8192;
  m.rows = 256, m.columns = 1024;
  succeed(cuda::launch_fill({small.get(), cuda::DType::f32, 0.5, 4096}, nullptr));
  const Workspace norm_space(cuda::spectral_norm_workspace(norm));
  norm.workspace = norm_space.get();
  m.y = y.get();
  check("power iteration", 4 * mib, [&] { succeed(cuda::launch_spectral_norm(norm, nullptr)); });
}
