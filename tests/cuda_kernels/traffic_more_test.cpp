#include <fmt/format.h>

#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/indexing.h"
#include "cuda/kernels/loss.h"
#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/pool.h"
#include "cuda/kernels/resize.h"
#include "cuda/kernels/shape.h"
#include "cuda_kernels/traffic.h"

using namespace agon;
using namespace agon::test;

// What activations stored as bf16 pass through would cost as much as f32, or more.
TEST_CASE("batch norm in bf16 moves hardly more than the fewest bytes", "[cuda]") {
  if (!have_counters("traffic of batch norm in bf16")) return;
  const auto values = as_bf16(random_floats(2 * count_of, 1, 0.5f, 1.5f));
  const Device<uint16_t> x(values), dy(values), y(values.size());
  const Device<float> small(size_t{4096});
  const int channels = 64;
  const auto at = [&](int k) { return small.get() + k * channels; };
  succeed(cuda::launch_fill({small.get(), cuda::DType::f32, 0.5, 4096}, nullptr));
  cuda::BatchNormStatsArgs stats;
  stats.x = x.get(), stats.dtype = cuda::DType::bf16;
  stats.rows = 2 * count_of / channels, stats.channels = channels;
  stats.finish.mean = at(0), stats.finish.inv_std = at(1);
  const Workspace stats_space(cuda::batch_norm_stats_workspace(stats));
  stats.workspace = stats_space.get();
  check("batch norm statistics, bf16", mib, [&] { succeed(cuda::launch_batch_norm_stats(stats, nullptr)); });

  cuda::BatchNormApplyArgs apply;
  apply.x = x.get(), apply.y = y.get(), apply.x_dtype = apply.y_dtype = cuda::DType::bf16;
  apply.mean = at(0), apply.inv_std = at(1), apply.gamma = apply.beta = at(2);
  apply.activation = {cuda::ActivationKind::leaky_relu, 0.2f};
  apply.rows = stats.rows, apply.channels = channels;
  check("batch norm, bf16", 2 * mib, [&] { succeed(cuda::launch_batch_norm_apply(apply, nullptr)); });

  cuda::BatchNormGradArgs grad;
  grad.x = x.get(), grad.dy = dy.get(), grad.dx = y.get();
  grad.x_dtype = grad.dy_dtype = grad.dx_dtype = cuda::DType::bf16;
  grad.mean = at(0), grad.inv_std = at(1), grad.gamma = grad.beta = at(2);
  grad.activation = apply.activation;
  grad.dgamma = at(3), grad.dbeta = at(4);
  grad.rows = stats.rows, grad.channels = channels;
  const Workspace grad_space(cuda::batch_norm_grad_workspace(grad));
  grad.workspace = grad_space.get();
  check("batch norm backward, bf16, sums", 2 * mib,
        [&] { succeed(cuda::launch_batch_norm_grad_reduce(grad, nullptr)); });
  check("batch norm backward, bf16, dx", 3 * mib,
        [&] { succeed(cuda::launch_batch_norm_grad_apply(grad, nullptr)); });
}

// Updates with what follows them, and every loss, would cost bandwidth on any GPU.
TEST_CASE("updates and losses move hardly more than the fewest bytes", "[cuda]") {
  if (!have_counters("traffic of updates and losses")) return;
  const auto values = random_floats(count_of, 1, 0.5f, 1.5f);
  const Device<float> x(values), x2(values), x3(values), x4(values), y(values), small(size_t{64});
  const Device<uint16_t> half(values.size());
  succeed(cuda::launch_fill({small.get(), cuda::DType::f32, 0.5, 64}, nullptr));
  for (const auto& [name, kind, momentum, tensors] :
       {std::tuple{"adam", cuda::OptimizerKind::adam, 0.5f, 7.0},
        {"rmsprop", cuda::OptimizerKind::rmsprop, 0.0f, 5.0},
        {"rmsprop with momentum", cuda::OptimizerKind::rmsprop, 0.9f, 7.0},
        {"sgd", cuda::OptimizerKind::sgd, 0.0f, 3.0},
        {"sgd with momentum", cuda::OptimizerKind::sgd, 0.9f, 5.0}})
    for (const bool tail : {false, true}) {
      cuda::OptimizerArgs args;
      args.kind = kind;
      args.p = y.get(), args.g = x.get(), args.first = x3.get(), args.second = x4.get();
      args.count = count_of;
      args.beta1 = momentum, args.beta2 = 0.99f, args.eps = 1e-8f;
      args.lr = args.correction1 = args.correction2 = args.ema_weight = small.get();
      args.gradient_square = small.get() + 1, args.parameter_square = small.get() + 2;
      if (tail)
        args.clip = true, args.clip_lo = -1, args.clip_hi = 1, args.ema = x2.get(), args.p_bf16 = half.get();
      const Workspace space(cuda::optimizer_workspace(args));
      args.workspace = space.get();
      check(name + std::string(tail ? ", clipped, averaged, copied" : ""), (tensors + (tail ? 2.5 : 0)) * mib,
            [&] { succeed(cuda::launch_optimizer(args, nullptr)); });
    }

  for (const auto& [name, kind] : {std::pair{"bce loss", cuda::LossKind::bce_with_logits},
                                   {"least squares", cuda::LossKind::least_squares},
                                   {"hinge loss", cuda::LossKind::hinge},
                                   {"wasserstein loss", cuda::LossKind::wasserstein}}) {
    cuda::LossArgs args;
    args.kind = kind;
    args.x = x.get(), args.target_value = 1;
    args.count = count_of;
    args.value = small.get(), args.grad = y.get();
    const Workspace space(cuda::loss_workspace(args));
    args.workspace = space.get();
    check(name, 2 * mib, [&] { succeed(cuda::launch_loss(args, nullptr)); });
  }
}

// Windows, rows by index, padding and parts of tensors would.
TEST_CASE("kernels that move and gather move hardly more than the fewest bytes", "[cuda]") {
  if (!have_counters("traffic of kernels that move and gather")) return;
  const auto values = random_floats(4 * count_of, 1, 0.5f, 1.5f);
  const Device<float> large(values), small(random_floats(count_of, 2));
  const Device<int32_t> index(random_indices(count_of, 4, 1024));
  for (const auto& [name, op, others] : {std::tuple{"average pool", cuda::PoolOp::avg, 0},
                                         {"average pool, backward", cuda::PoolOp::avg_grad, 0},
                                         {"max pool", cuda::PoolOp::max, 1},
                                         {"max pool, backward", cuda::PoolOp::max_grad, 1}}) {
    cuda::PoolArgs args;
    args.op = op;
    args.x = large.get(), args.y = small.get(), args.index = index.get();
    args.n = 16, args.channels = 64;
    for (int axis = 0; axis < 2; ++axis)
      args.in[axis] = 32, args.out[axis] = 16, args.kernel[axis] = args.stride[axis] = 2;
    check(
        name, (5 + others) * mib, [&] { succeed(cuda::launch_pool(args, nullptr)); }, Count::distinct);
  }
  for (const auto mode : {cuda::ResizeMode::nearest, cuda::ResizeMode::bilinear_half_pixel})
    for (const bool grad : {false, true}) {
      cuda::ResizeArgs args;
      args.mode = mode, args.grad = grad;
      args.x = small.get(), args.y = large.get();
      args.n = 16, args.channels = 64, args.in_h = args.in_w = 16, args.out_h = args.out_w = 32;
      check(
          fmt::format("resize {}{}", static_cast<int>(mode), grad ? ", backward" : ""), 5 * mib,
          [&] { succeed(cuda::launch_resize(args, nullptr)); }, Count::distinct);
    }
  const Device<int32_t> rows(random_indices(count_of / 64, 3, 4096));
  cuda::GatherArgs gather;
  gather.table = large.get(), gather.index = rows.get(), gather.y = small.get();
  gather.rows = 4096, gather.count = count_of / 64, gather.width = 64;
  check("gather", 2 * mib + 4.0 * static_cast<double>(gather.count),
        [&] { succeed(cuda::launch_gather(gather, nullptr)); });
  check("fill", mib, [&] {
    succeed(cuda::launch_fill({small.get(), cuda::DType::f32, 0.5, count_of}, nullptr));
  });

  cuda::PadArgs pad;
  pad.src = small.get(), pad.dst = large.get(), pad.rank = 4;
  for (const auto& [axis, extent, border] : {std::tuple{0, 16, 0}, {1, 16, 1}, {2, 16, 1}, {3, 64, 0}})
    pad.src_extents[axis] = extent, pad.lo[axis] = border, pad.extents[axis] = extent + 2 * border;
  check("pad", mib + 4.0 * 16 * 18 * 18 * 64, [&] { succeed(cuda::launch_pad(pad, nullptr)); });
  // A part along the last axis, as a concatenation writes and a slice reads it.
  cuda::CopyArgs part;
  part.src = small.get(), part.dst = large.get(), part.rank = 2;
  part.extents[0] = count_of / 64, part.extents[1] = 64;
  part.src_strides[0] = 64, part.dst_strides[0] = 128, part.src_strides[1] = part.dst_strides[1] = 1;
  check("concatenation's part", 2 * mib, [&] { succeed(cuda::launch_copy(part, nullptr)); });
  part.src = large.get(), part.dst = small.get();
  std::swap(part.src_strides[0], part.dst_strides[0]);
  check("slice", 2 * mib, [&] { succeed(cuda::launch_copy(part, nullptr)); });
}
