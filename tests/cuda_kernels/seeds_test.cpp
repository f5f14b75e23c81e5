// Kernels whose threads and blocks meet, in twenty orders of warps and blocks: none raises an alarm, and none
// gives another result. (A GPU has orders of its own: there each runs once.)
#include <functional>

#include "conv_case.h"
#include "cuda/kernels/gradient_penalty.h"
#include "cuda/kernels/norm.h"
#include "cuda/kernels/reduce.h"
#include "cuda/kernels/softmax.h"
#include "cuda/kernels/spectral_norm.h"
#include "support.h"

using namespace agon;
using namespace agon::test;

namespace {

// Calls `run` under each seed; its results must always be those of the first, but for what the seed does to
// approximate instructions.
void under_all_seeds(double tolerance, const std::function<std::vector<float>()>& run) {
  using Set = int (*)(const char*, const char*);
  const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "agon_simt_set"));
  std::vector<float> first;
  for (int seed = 0; seed < (set ? 20 : 1); ++seed) {
    INFO("seed " << seed);
    if (set) REQUIRE(set("seed", std::to_string(seed).c_str()) == 0);
    const std::vector<float> results = run();
    CHECK(device_reports().empty());
    if (seed == 0) first = results;
    CHECK(relative_error(results, first) <= tolerance);
  }
  if (set) set("seed", "0");
}

}  // namespace

// Broken: tiles of a convolution or product are read before they are there, or split sums lack a fence.
TEST_CASE("contractions under twenty seeds", "[cuda]") {
  if (!have_device("contractions under twenty seeds")) return;
  const auto op = GENERATE(cuda::ConvOp::forward, cuda::ConvOp::input_grad, cuda::ConvOp::weight_grad);
  const auto math = GENERATE(cuda::Math::f32, cuda::Math::tf32, cuda::Math::bf16);
  conv_test::ConvCase problem{"", {}, {1, 1, 0}};
  problem.shape.batch = 2;
  problem.shape.x[0] = problem.shape.x[1] = 8;
  problem.shape.kernel[0] = problem.shape.kernel[1] = 4;
  problem.shape.stride[0] = problem.shape.stride[1] = 2;
  problem.shape.pad_lo[0] = problem.shape.pad_lo[1] = 1;
  problem.shape.x_channels = problem.shape.y_channels = 32;
  cuda::ConvArgs args;
  args.op = op, args.math = math, args.shape = conv_test::completed(problem), args.splits = 2;
  conv_test::Extras extras;
  extras.bias = extras.stats = op != cuda::ConvOp::weight_grad;
  under_all_seeds(0, [&] {
    std::string why;
    const double error = conv_test::conv_error(args, extras, why);
    INFO(why);
    CHECK(error >= 0);
    CHECK(error <= 1e-6);
    return std::vector<float>{static_cast<float>(error)};
  });
}

// Broken: the last block of a reduction reads partial sums that are not there yet.
TEST_CASE("reductions under twenty seeds", "[cuda]") {
  if (!have_device("reductions under twenty seeds")) return;
  const Device<float> x(random_floats(40007, 9)), y(1);
  cuda::ReduceArgs args;
  args.x = x.get();
  args.y = y.get();
  args.rank = 1;
  args.extents[0] = 40007;
  args.reduced[0] = true;
  const Workspace workspace(cuda::reduce_workspace(args));
  args.workspace = workspace.get();
  under_all_seeds(0, [&] {
    succeed(cuda::launch_reduce(args, nullptr));
    return y.read();
  });
}

// Broken: a block's rows of scores, or a sample's sums, are exchanged without a barrier.
TEST_CASE("row kernels under twenty seeds", "[cuda]") {
  if (!have_device("row kernels under twenty seeds")) return;
  const int width = GENERATE(10, 129, 1025);
  const Device<float> x(random_floats(11 * width, 1)), y(static_cast<size_t>(11 * width));
  const cuda::SoftmaxArgs softmax{x.get(), y.get(), 11, width, true, -1};
  under_all_seeds(1e-5, [&] {
    succeed(cuda::launch_softmax(softmax, nullptr));
    return y.read();
  });
  const Device<float> norms(11), value(1);
  cuda::GradientPenaltyArgs penalty;
  penalty.g = x.get();
  penalty.grad = y.get();
  penalty.norms = norms.get();
  penalty.value = value.get();
  penalty.weight = 10;
  penalty.samples = 11;
  penalty.size = width;
  const Workspace workspace(cuda::gradient_penalty_workspace(penalty));
  penalty.workspace = workspace.get();
  under_all_seeds(1e-5, [&] {
    succeed(cuda::launch_gradient_penalty(penalty, nullptr));
    return value.read();
  });
}

// Broken: what a block keeps of a sample, or the sums of its splits, are read before they are there.
TEST_CASE("norms of samples under twenty seeds", "[cuda]") {
  if (!have_device("norms of samples under twenty seeds")) return;
  const auto [rows, channels] = GENERATE(std::pair{77, 12}, std::pair{9001, 12}, std::pair{300, 1},
                                         std::pair{2000, 1}, std::pair{30001, 1});
  const auto count = static_cast<size_t>(2 * rows * channels);
  const Device<float> x(random_floats(static_cast<int64_t>(count), 1)), y(count), mean(size_t{24}),
      inv_std(size_t{24});
  cuda::NormArgs norm;
  norm.x = x.get(), norm.y = y.get(), norm.mean = mean.get(), norm.inv_std = inv_std.get();
  norm.samples = 2, norm.rows = rows, norm.channels = channels;
  const Workspace space(cuda::norm_workspace(norm));
  norm.workspace = space.get();
  under_all_seeds(0, [&] {
    succeed(cuda::launch_norm(norm, nullptr));
    return y.read();
  });
  cuda::NormGradArgs grad;
  grad.x = x.get(), grad.dy = x.get(), grad.dx = y.get(), grad.mean = mean.get(),
  grad.inv_std = inv_std.get();
  grad.samples = 2, grad.rows = rows, grad.channels = channels;
  const Workspace grad_space(cuda::norm_grad_workspace(grad));
  grad.workspace = grad_space.get();
  under_all_seeds(0, [&] {
    succeed(cuda::launch_norm_grad(grad, nullptr));
    return y.read();
  });
}

// Broken: the last block of rows makes u' of products that are not there yet.
TEST_CASE("power iterations under twenty seeds", "[cuda]") {
  if (!have_device("power iterations under twenty seeds")) return;
  const Device<float> w(random_floats(500 * 36, 1)), u(random_floats(500, 2)), new_u(size_t{500}),
      v(size_t{36}), sigma(1);
  cuda::SpectralNormArgs args;
  args.count = 1;
  cuda::SpectralNorm& m = args.matrices[0];
  m.w = w.get(), m.u = u.get(), m.new_u = new_u.get(), m.v = v.get(), m.sigma = sigma.get();
  m.rows = 500, m.columns = 36;
  const Workspace space(cuda::spectral_norm_workspace(args));
  args.workspace = space.get();
  under_all_seeds(0, [&] {
    succeed(cuda::launch_spectral_norm(args, nullptr));
    return new_u.read();
  });
}
