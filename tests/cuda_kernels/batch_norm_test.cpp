#include "cuda/kernels/batch_norm.h"

#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;
using cuda::Activation;
using cuda::ActivationKind;

namespace {

struct Problem {
  int64_t rows;
  int channels;
};
const std::vector<Problem> problems = {{1, 3},     {2, 5},    {37, 7},    {130, 64},
                                       {1000, 12}, {5000, 3}, {3001, 260}};

/// Batch norm in double over the rows of x, as the reference backend defines it.
struct Oracle {
  std::vector<double> mean, inv_std, variance, unbiased;

  Oracle(const std::vector<float>& x, int channels, double eps) {
    const auto rows = static_cast<double>(x.size() / static_cast<size_t>(channels));
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
      double sum = 0, squares = 0;
      for (size_t i = c; i < x.size(); i += static_cast<size_t>(channels)) sum += x[i];
      mean.push_back(sum / rows);
      for (size_t i = c; i < x.size(); i += static_cast<size_t>(channels))
        squares += (x[i] - mean[c]) * (x[i] - mean[c]);
      variance.push_back(squares / rows);
      inv_std.push_back(1 / std::sqrt(squares / rows + eps));
      unbiased.push_back(squares / std::max(rows - 1, 1.0));
    }
  }
};

double leaky(double x) {
  return x > 0 ? x : 0.2 * x;
}

/// All per-channel results of a statistics launch.
struct Finish {
  std::vector<float> gamma, beta, old_mean, old_var;
  Device<float> d_gamma, d_beta, running_mean, running_var, mean, inv_std, scale, shift;

  explicit Finish(int channels)
      : gamma(random_floats(channels, 1, 0.5f, 1.5f)),
        beta(random_floats(channels, 2)),
        old_mean(random_floats(channels, 3)),
        old_var(random_floats(channels, 4, 0.5f, 2)),
        d_gamma(gamma),
        d_beta(beta),
        running_mean(old_mean),
        running_var(old_var),
        mean(gamma.size()),
        inv_std(gamma.size()),
        scale(gamma.size()),
        shift(gamma.size()) {}

  cuda::BatchNormFinish args() const {
    return {d_gamma.get(),
            d_beta.get(),
            running_mean.get(),
            running_var.get(),
            running_mean.get(),
            running_var.get(),
            mean.get(),
            inv_std.get(),
            scale.get(),
            shift.get(),
            1e-5f,
            0.1f};
  }

  void check(const Oracle& want, double tolerance) const {
    CHECK(relative_error(mean.read(), want.mean) <= tolerance);
    CHECK(relative_error(inv_std.read(), want.inv_std) <= tolerance);
    std::vector<double> by, off, new_mean, new_var;
    for (size_t c = 0; c < gamma.size(); ++c) {
      by.push_back(gamma[c] * want.inv_std[c]);
      off.push_back(beta[c] - want.mean[c] * by[c]);
      new_mean.push_back(0.9 * old_mean[c] + 0.1 * want.mean[c]);
      new_var.push_back(0.9 * old_var[c] + 0.1 * want.unbiased[c]);
    }
    CHECK(relative_error(scale.read(), by) <= tolerance);
    CHECK(relative_error(shift.read(), off) <= tolerance);
    CHECK(relative_error(running_mean.read(), new_mean) <= tolerance);
    CHECK(relative_error(running_var.read(), new_var) <= tolerance);
  }
};

/// x on the device as f32 or bf16.
struct Tensor {
  std::vector<float> values;
  cuda::DType dtype;
  Device<float> wide;
  Device<uint16_t> half;

  Tensor(std::vector<float> v, bool to_half, size_t offset = 0)
      : values(to_half ? as_f32(as_bf16(v)) : std::move(v)),
        dtype(to_half ? cuda::DType::bf16 : cuda::DType::f32),
        wide(values, offset),
        half(as_bf16(values), offset) {}
  void* get() const { return dtype == cuda::DType::bf16 ? static_cast<void*>(half.get()) : wide.get(); }
  std::vector<float> read() const { return dtype == cuda::DType::bf16 ? as_f32(half.read()) : wide.read(); }
};

}  // namespace

// Wrong statistics for some count of rows or channels, an alignment, bf16, or a mean far from 0.
TEST_CASE("batch norm statistics of a tensor", "[cuda]") {
  if (!have_device("batch norm statistics")) return;
  for (const Problem& p : problems)
    for (const float centre : {0.0f, 300.0f})
      for (const int instance : {-1, 0})
        for (const bool half : {false, true}) {
          const Tensor x(random_floats(p.rows * p.channels, 5, centre - 1, centre + 1), half,
                         instance == 0 ? 1 : 0);
          const Finish finish(p.channels);
          cuda::BatchNormStatsArgs args;
          args.x = x.get();
          args.dtype = x.dtype;
          args.rows = p.rows;
          args.channels = p.channels;
          args.finish = finish.args();
          args.instance = instance;
          const Workspace workspace(cuda::batch_norm_stats_workspace(args));
          args.workspace = workspace.get();
          succeed(cuda::launch_batch_norm_stats(args, nullptr));
          INFO(p.rows << " x " << p.channels << " centre " << centre << " half " << half);
          finish.check(Oracle(x.values, p.channels, 1e-5), 2e-6);
        }
}

// Partial sums of a convolution's tiles merged wrongly: unequal tiles, plain or centred squares, or a bias.
TEST_CASE("batch norm statistics of partial sums", "[cuda]") {
  if (!have_device("batch norm partials")) return;
  for (const Problem& p : problems)
    for (const bool centred : {false, true})
      for (const bool counted : {false, true}) {
        constexpr int64_t tile = 16;
        const int64_t partials = (p.rows + tile - 1) / tile;
        const auto channels = static_cast<size_t>(p.channels);
        auto x = random_floats(p.rows * p.channels, 6, 1, 3);
        std::vector<float> sums(static_cast<size_t>(partials) * channels), squares = sums;
        std::vector<int32_t> counts(static_cast<size_t>(partials));
        for (size_t part = 0; part < counts.size(); ++part) {
          counts[part] =
              static_cast<int32_t>(std::min<int64_t>(tile, p.rows - static_cast<int64_t>(part) * tile));
          const auto rows = static_cast<size_t>(counts[part]);
          for (size_t c = 0; c < channels; ++c) {
            const auto at = [&](size_t r) {
              return static_cast<double>(x[(part * tile + r) * channels + c]);
            };
            double sum = 0, square = 0;
            for (size_t r = 0; r < rows; ++r) sum += at(r);
            const double about = centred ? sum / static_cast<double>(rows) : 0;
            for (size_t r = 0; r < rows; ++r) square += (at(r) - about) * (at(r) - about);
            sums[part * channels + c] = static_cast<float>(sum);
            squares[part * channels + c] = static_cast<float>(square);
          }
        }
        const auto bias = random_floats(p.channels, 7);
        for (size_t i = 0; i < x.size(); ++i) x[i] += bias[i % channels];
        const Device<float> d_sums(sums), d_squares(squares), d_bias(bias);
        const Device<int32_t> d_counts(counts);
        const Finish finish(p.channels);
        cuda::BatchNormPartialsArgs args;
        args.sums = d_sums.get();
        args.squares = d_squares.get();
        args.counts = counted ? d_counts.get() : nullptr;
        args.bias = d_bias.get();
        args.centred = centred;
        args.partials = partials;
        args.rows_per_partial = counted ? 0 : tile;
        args.rows = p.rows;
        args.channels = p.channels;
        args.finish = finish.args();
        succeed(cuda::launch_batch_norm_partials(args, nullptr));
        INFO(p.rows << " x " << p.channels << " centred " << centred);
        // One row has no variance; squares that are not centred then leave their rounding error.
        finish.check(Oracle(x, p.channels, 1e-5), p.rows <= 2 ? (centred ? 1e-3 : 0.5)
                                                  : centred   ? 5e-6
                                                              : 2e-5);
      }
}

// Normalising with the wrong channel's constants, or a wrong activation; evaluation by running statistics.
TEST_CASE("batch norm is applied", "[cuda]") {
  if (!have_device("batch norm apply")) return;
  Seen seen;
  for (const Problem& p : problems)
    for (const int instance : {-1, 0, 1})
      for (const int mix : {0, 1, 2, 3})
        for (const bool evaluate : {false, true}) {
          if (instance == 1 && p.channels % 4 != 0) continue;
          const bool half = (mix & 2) != 0;
          const Tensor x(random_floats(p.rows * p.channels, 5), (mix & 1) != 0),
              y(std::vector<float>(x.values.size()), half);
          const auto gamma = random_floats(p.channels, 1), beta = random_floats(p.channels, 2),
                     mean = random_floats(p.channels, 3), spread = random_floats(p.channels, 4, 0.5f, 2);
          const Device<float> d_gamma(gamma), d_beta(beta), d_mean(mean), d_spread(spread);
          cuda::BatchNormApplyArgs args;
          args.x = x.get();
          args.y = y.get();
          args.x_dtype = x.dtype;
          args.y_dtype = y.dtype;
          args.mean = d_mean.get();
          (evaluate ? args.variance : args.inv_std) = d_spread.get();
          args.gamma = d_gamma.get();
          args.beta = d_beta.get();
          args.eps = 1e-5f;
          args.activation = {ActivationKind::leaky_relu, 0.2f};
          args.rows = p.rows;
          args.channels = p.channels;
          args.instance = instance;
          succeed(cuda::launch_batch_norm_apply(args, nullptr));
          seen.add(instance < 0 ? (p.channels % 4 == 0 ? 1 : 0) : instance);
          std::vector<double> want;
          for (size_t i = 0; i < x.values.size(); ++i) {
            const size_t c = i % static_cast<size_t>(p.channels);
            const double inv_std = evaluate ? 1 / std::sqrt(spread[c] + 1e-5) : spread[c];
            want.push_back(leaky((x.values[i] - mean[c]) * inv_std * gamma[c] + beta[c]));
          }
          INFO(p.rows << " x " << p.channels);
          CHECK(relative_error(y.read(), want) <= (half ? 5e-3 : 1e-6));
        }
  seen.require_all(cuda::batch_norm_instances());
}

// A wrong derivative; the activation's recomputed from x or by its output; coefficients that disagree with
// dx.
TEST_CASE("batch norm backward", "[cuda]") {
  if (!have_device("batch norm backward")) return;
  for (const Problem& p : problems)
    for (const int instance : {-1, 0})
      for (int mix = 0; mix < 8; ++mix)    // which of x, dy and dx are bf16
        for (const int way : {0, 1, 2}) {  // no activation, recomputed, read
          if (mix != 0 && mix != 7 && p.rows > 200) continue;
          const bool half = (mix & 4) != 0;
          const auto channels = static_cast<size_t>(p.channels);
          const Tensor x(random_floats(p.rows * p.channels, 5), (mix & 1) != 0),
              dy(random_floats(p.rows * p.channels, 6), (mix & 2) != 0),
              dx(std::vector<float>(x.values.size()), half);
          const auto gamma = random_floats(p.channels, 1, 0.5f, 1.5f), beta = random_floats(p.channels, 2),
                     mean = random_floats(p.channels, 3), inv_std = random_floats(p.channels, 4, 0.5f, 2);
          std::vector<double> h, d, z;
          for (size_t i = 0; i < x.values.size(); ++i) {
            h.push_back((static_cast<double>(x.values[i]) - mean[i % channels]) * inv_std[i % channels]);
            z.push_back(h[i] * gamma[i % channels] + beta[i % channels]);
            d.push_back(way == 0 || z[i] > 0 ? dy.values[i] : 0.2 * dy.values[i]);
          }
          std::vector<float> outputs;
          for (const double value : z) outputs.push_back(static_cast<float>(leaky(value)));
          const Tensor y(outputs, (mix & 1) != 0);
          std::vector<double> dgamma(channels), dbeta(channels), want;
          for (size_t i = 0; i < d.size(); ++i) {
            dbeta[i % channels] += d[i];
            dgamma[i % channels] += d[i] * h[i];
          }
          const auto rows = static_cast<double>(p.rows);
          for (size_t i = 0; i < d.size(); ++i) {
            const size_t c = i % channels;
            want.push_back(gamma[c] * inv_std[c] * (d[i] - dbeta[c] / rows - h[i] * dgamma[c] / rows));
          }

          const Device<float> d_gamma(gamma), d_beta(beta), d_mean(mean), d_inv_std(inv_std),
              got_gamma(channels), got_beta(channels), coefficients(3 * channels);
          cuda::BatchNormGradArgs args;
          args.x = x.get();
          args.dy = dy.get();
          args.y = way == 2 ? y.get() : nullptr;
          args.dx = dx.get();
          args.x_dtype = x.dtype;
          args.dy_dtype = dy.dtype;
          args.dx_dtype = dx.dtype;
          args.mean = d_mean.get();
          args.inv_std = d_inv_std.get();
          args.gamma = d_gamma.get();
          args.beta = way == 1 ? d_beta.get() : nullptr;
          if (way > 0) args.activation = {ActivationKind::leaky_relu, 0.2f};
          args.dgamma = got_gamma.get();
          args.dbeta = got_beta.get();
          args.coefficients = coefficients.get();
          args.rows = p.rows;
          args.channels = p.channels;
          args.instance = instance;
          const Workspace workspace(cuda::batch_norm_grad_workspace(args));
          args.workspace = workspace.get();
          succeed(cuda::launch_batch_norm_grad_reduce(args, nullptr));
          succeed(cuda::launch_batch_norm_grad_apply(args, nullptr));

          INFO(p.rows << " x " << p.channels << " way " << way << " mix " << mix);
          CHECK(relative_error(got_gamma.read(), dgamma) <= 2e-6);
          CHECK(relative_error(got_beta.read(), dbeta) <= 2e-6);
          // One or two rows cancel to nothing: what remains is rounding beside the terms of size 1.
          const double slack = p.rows <= 2 ? 1e-5 : 2e-6;
          const auto result = dx.read();
          const auto by = coefficients.read();
          double error = 0, apart = 0, size = 1;
          for (size_t i = 0; i < want.size(); ++i) {
            const size_t c = i % channels;
            const double through = by[c] * d[i] + by[channels + c] * x.values[i] + by[2 * channels + c];
            size = std::max(size, std::fabs(want[i]));
            error = std::max(error, std::fabs(result[i] - want[i]));
            apart = std::max(apart, std::fabs(through - want[i]));
          }
          CHECK(error <= size * (half ? 5e-3 : slack));
          CHECK(apart <= size * slack);
        }
}
