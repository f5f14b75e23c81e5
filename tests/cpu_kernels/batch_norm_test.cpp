#include "backend/cpu/kernels/batch_norm.h"

#include "backend/reference/kernels.h"
#include "catch.h"
#include "support.h"

using namespace agon;
using namespace agon::cpu;
using namespace agon::test;

namespace {

const std::vector<ChannelLayout> layouts{ChannelLayout::rows(64, 1),
                                         ChannelLayout::rows(7, 3),
                                         ChannelLayout::rows(1000, 5),
                                         ChannelLayout::rows(33, 17),
                                         ChannelLayout::rows(2, 100),
                                         ChannelLayout::rows(5000, 64),
                                         ChannelLayout::blocked16(1, 1, 16),
                                         ChannelLayout::blocked16(3, 49, 32),
                                         ChannelLayout::blocked16(64, 256, 48),
                                         {4, 3, 25, 1}};

const std::vector<Activation> activations{{ActivationKind::identity, 0},     {ActivationKind::relu, 0},
                                          {ActivationKind::leaky_relu, 0.2}, {ActivationKind::elu, 1.3},
                                          {ActivationKind::tanh, 0},         {ActivationKind::sigmoid, 0}};

using reference::activate;

double slope(const Activation& f, double x) {
  return reference::activate_grad(f, activate(f, x), 1);
}

struct Statistics {
  std::vector<double> mean, variance;
};

Statistics reference_statistics(const ChannelLayout& l, const std::vector<float>& x) {
  Statistics s{std::vector<double>(static_cast<size_t>(l.channels)),
               std::vector<double>(static_cast<size_t>(l.channels))};
  const auto n = static_cast<double>(l.count());
  for_each(l, [&](size_t i, size_t c) { s.mean[c] += static_cast<double>(x[i]) / n; });
  for_each(l, [&](size_t i, size_t c) {
    const double d = static_cast<double>(x[i]) - s.mean[c];
    s.variance[c] += d * d / n;
  });
  return s;
}

/// Everything a batch norm over random data needs.
struct Case {
  ChannelLayout layout;
  size_t channels = static_cast<size_t>(layout.channels);
  std::vector<float> x = random_floats(layout.size(), 1), dy = random_floats(layout.size(), 2);
  std::vector<float> gamma = random_floats(layout.channels, 3, 0.5f, 1.5f),
                     beta = random_floats(layout.channels, 4);
  std::vector<float> mean = std::vector<float>(channels), variance = mean, inv_std = mean;
  Scratch scratch{batch_norm_scratch_bytes(layout.channels)};

  explicit Case(const ChannelLayout& l) : layout(l) {
    batch_norm_stats(layout, x.data(), 1e-5, mean.data(), variance.data(), inv_std.data(), scratch.get());
  }
};

}  // namespace

// Were the sums formed in float or a tail of channels lost, statistics would be off for large means or odd
// sizes.
TEST_CASE("batch norm statistics agree with double sums, large means included") {
  for (const auto& layout : layouts) {
    for (const float offset : {0.0f, 300.0f}) {
      auto x = random_floats(layout.size(), 7, offset - 1, offset + 1);
      const auto want = reference_statistics(layout, x);
      const auto channels = static_cast<size_t>(layout.channels);
      std::vector<float> mean(channels), variance(channels), inv_std(channels);
      Scratch scratch(batch_norm_scratch_bytes(layout.channels));
      batch_norm_stats(layout, x.data(), 1e-5, mean.data(), variance.data(), inv_std.data(), scratch.get());
      INFO("channels " << layout.channels << " count " << layout.count() << " block " << layout.block);
      CHECK(relative_error(mean, want.mean) < 1e-6);
      std::vector<double> want_inv;
      for (double v : want.variance) want_inv.push_back(1 / std::sqrt(v + 1e-5));
      CHECK(relative_error(inv_std, want_inv) < 1e-6);
      for (size_t c = 0; c < channels; ++c)
        CHECK(std::fabs(static_cast<double>(variance[c]) - want.variance[c]) <= 1e-5 * want.variance[c]);
    }
  }
}

// Were the running variance biased or the momentum on the wrong side, evaluation would differ from PyTorch's.
TEST_CASE("running statistics move by momentum towards the unbiased variance") {
  const auto layout = ChannelLayout::rows(5, 1);
  const float mean = 2, variance = 4, old_mean = 1, old_var = 1;
  float new_mean = 0, new_var = 0;
  batch_norm_update_running(layout, 0.1, &mean, &variance, &old_mean, &old_var, &new_mean, &new_var);
  CHECK(new_mean == Approx(1.1));
  CHECK(new_var == Approx(0.9 + 0.1 * 5.0));
}

// Were an activation or the affine part wrong for some layout or tail, layers would compute something else.
TEST_CASE("batch norm applies scale, shift and activation to every layout") {
  for (const auto& layout : layouts) {
    Case t(layout);
    for (const auto& f : activations) {
      std::vector<double> want(t.x.size());
      for_each(layout, [&](size_t i, size_t c) {
        want[i] = activate(f, (static_cast<double>(t.x[i]) - static_cast<double>(t.mean[c])) *
                                      static_cast<double>(t.inv_std[c]) * static_cast<double>(t.gamma[c]) +
                                  static_cast<double>(t.beta[c]));
      });
      std::vector<float> y(t.x.size());
      batch_norm_apply(layout, t.x.data(), t.mean.data(), t.inv_std.data(), t.gamma.data(), t.beta.data(), f,
                       y.data(), t.scratch.get());
      INFO("channels " << layout.channels << " block " << layout.block << " activation "
                       << static_cast<int>(f.kind));
      CHECK(relative_error(y, want) < 2e-6);
      std::vector<float> in_place = t.x;
      batch_norm_apply(layout, in_place.data(), t.mean.data(), t.inv_std.data(), t.gamma.data(),
                       t.beta.data(), f, in_place.data(), t.scratch.get());
      CHECK(in_place == y);
    }
  }
}

// Were the backward's sums, its activation mask or its centring wrong, every generator would train on noise.
TEST_CASE("batch norm backward agrees with the formula in double, with and without the output") {
  for (const auto& layout : layouts) {
    Case t(layout);
    const auto n = static_cast<double>(layout.count());
    for (const auto& f : activations) {
      std::vector<double> dbeta(t.channels), dgamma(t.channels), g(t.x.size()), h(t.x.size()), dx(t.x.size());
      std::vector<float> y(t.x.size());
      for_each(layout, [&](size_t i, size_t c) {
        h[i] = (static_cast<double>(t.x[i]) - static_cast<double>(t.mean[c])) *
               static_cast<double>(t.inv_std[c]);
        const double affine = h[i] * static_cast<double>(t.gamma[c]) + static_cast<double>(t.beta[c]);
        y[i] = static_cast<float>(activate(f, affine));
        g[i] = static_cast<double>(t.dy[i]) * slope(f, affine);
        dbeta[c] += g[i];
        dgamma[c] += g[i] * h[i];
      });
      for_each(layout, [&](size_t i, size_t c) {
        dx[i] = static_cast<double>(t.gamma[c]) * static_cast<double>(t.inv_std[c]) *
                (g[i] - dbeta[c] / n - h[i] * dgamma[c] / n);
      });
      for (const bool with_y : {true, false}) {
        std::vector<float> got_dx = t.dy, got_dgamma(t.channels), got_dbeta(t.channels);
        batch_norm_grad(layout, t.x.data(), with_y ? y.data() : nullptr, got_dx.data(), t.mean.data(),
                        t.inv_std.data(), t.gamma.data(), t.beta.data(), f, got_dx.data(), got_dgamma.data(),
                        got_dbeta.data(), t.scratch.get());
        INFO("channels " << layout.channels << " count " << layout.count() << " block " << layout.block
                         << " activation " << static_cast<int>(f.kind)
                         << (with_y ? " from y" : " recomputed"));
        CHECK(relative_error(got_dbeta, dbeta) < 5e-6);
        CHECK(relative_error(got_dgamma, dgamma) < 5e-6);
        // One or two values a channel leave differences of nearly equal numbers.
        const double size = *std::max_element(g.begin(), g.end());
        double error = 0;
        for (size_t i = 0; i < dx.size(); ++i)
          error = std::max(error, std::fabs(static_cast<double>(got_dx[i]) - dx[i]));
        const float largest = *std::max_element(t.inv_std.begin(), t.inv_std.end());
        CHECK(error < 5e-6 * size * static_cast<double>(largest) * (n <= 2 ? 10 : 1));
      }
    }
  }
}

// Were a range of rows dropped between threads, bias gradients would be short.
TEST_CASE("channel sums and biases reach every element") {
  for (const auto& layout : layouts) {
    Case t(layout);
    std::vector<double> want(t.channels), shifted(t.x.size());
    for_each(layout, [&](size_t i, size_t c) {
      want[c] += static_cast<double>(t.x[i]);
      const double v = static_cast<double>(t.x[i]) + static_cast<double>(t.beta[c]);
      shifted[i] = v > 0 ? v : 0.2 * v;
    });
    std::vector<float> got(t.channels), y(t.x.size());
    channel_sum(layout, t.x.data(), got.data(), t.scratch.get());
    double error = 0;
    for (size_t c = 0; c < t.channels; ++c)
      error = std::max(error, std::fabs(static_cast<double>(got[c]) - want[c]));
    CHECK(error < 2e-6 * std::sqrt(static_cast<double>(layout.count())));
    bias_activation(layout, t.x.data(), t.beta.data(), {ActivationKind::leaky_relu, 0.2}, y.data(),
                    t.scratch.get());
    CHECK(relative_error(y, shifted) < 1e-6);
  }
}
