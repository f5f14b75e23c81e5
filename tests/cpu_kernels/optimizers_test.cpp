#include "backend/cpu/kernels/optimizers.h"

#include <limits>

#include "catch.h"
#include "support.h"

using namespace agon::cpu;
using namespace agon::test;

namespace {

const std::vector<int64_t> sizes{1, 5, 17, 256, 4099, 30011};

std::vector<double> wide(const std::vector<float>& v) {
  return {v.begin(), v.end()};
}

double squares(const std::vector<float>& v) {
  double sum = 0;
  for (float x : v) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

/// The gradient of step `t`; the same numbers for the kernel and the reference.
std::vector<float> gradient(int64_t n, int t) {
  return random_floats(n, static_cast<uint32_t>(100 + t), -0.1f, 0.1f);
}

}  // namespace

// Were epsilon inside the root or a correction missing, runs would differ from PyTorch's at small gradients.
TEST_CASE("adam follows torch.optim.Adam over several steps") {
  for (int64_t n : sizes) {
    for (const double decay : {0.0, 0.01}) {
      const AdamSettings s{0.5, 0.999, 1e-8, decay};
      auto p = random_floats(n, 1);
      std::vector<float> m(p.size()), v(p.size());
      auto want = wide(p), want_m = wide(m), want_v = wide(v);
      for (int t = 1; t <= 3; ++t) {
        const auto g = gradient(n, t);
        const double c1 = 1 - std::pow(s.beta1, t), c2 = 1 - std::pow(s.beta2, t);
        const auto norms = adam(p.data(), g.data(), m.data(), v.data(), n, s, 2e-4, c1, c2);
        for (size_t i = 0; i < p.size(); ++i) {
          const double grad = static_cast<double>(g[i]) + decay * want[i];
          want_m[i] = s.beta1 * want_m[i] + (1 - s.beta1) * grad;
          want_v[i] = s.beta2 * want_v[i] + (1 - s.beta2) * grad * grad;
          want[i] -= 2e-4 / c1 * want_m[i] / (std::sqrt(want_v[i]) / std::sqrt(c2) + s.eps);
        }
        CHECK(norms.grad_square == Approx(squares(g)).epsilon(1e-6));
        CHECK(norms.param_square == Approx(squares(p)).epsilon(1e-6));
      }
      INFO("n " << n << " weight decay " << decay);
      CHECK(relative_error(p, want) < 5e-7);
      CHECK(relative_error(m, want_m) < 1e-6);
      CHECK(relative_error(v, want_v) < 1e-6);
    }
  }
}

// Were the momentum buffer formed from the raw gradient, WGAN's critic would train at another rate than
// PyTorch's.
TEST_CASE("rmsprop follows torch.optim.RMSprop with and without momentum") {
  for (int64_t n : sizes) {
    for (const double momentum : {0.0, 0.9}) {
      const RmspropSettings s{0.99, 1e-8, momentum, 0.02};
      auto p = random_floats(n, 1);
      std::vector<float> v(p.size()), buffer(p.size());
      auto want = wide(p), want_v = wide(v), want_b = wide(buffer);
      for (int t = 1; t <= 3; ++t) {
        const auto g = gradient(n, t);
        const auto norms =
            rmsprop(p.data(), g.data(), v.data(), momentum != 0 ? buffer.data() : nullptr, n, s, 1e-3);
        for (size_t i = 0; i < p.size(); ++i) {
          const double grad = static_cast<double>(g[i]) + s.weight_decay * want[i];
          want_v[i] = s.alpha * want_v[i] + (1 - s.alpha) * grad * grad;
          want_b[i] = momentum * want_b[i] + grad / (std::sqrt(want_v[i]) + s.eps);
          want[i] -= 1e-3 * want_b[i];
        }
        CHECK(norms.grad_square == Approx(squares(g)).epsilon(1e-6));
        CHECK(norms.param_square == Approx(squares(p)).epsilon(1e-6));
      }
      INFO("n " << n << " momentum " << momentum);
      CHECK(relative_error(p, want) < 1e-6);
      CHECK(relative_error(v, want_v) < 1e-6);
    }
  }
}

// Were Nesterov's look-ahead or the decay applied at the wrong place, SGD presets would not match PyTorch's.
TEST_CASE("sgd follows torch.optim.SGD plain, with momentum and with Nesterov's") {
  for (int64_t n : sizes) {
    for (const SgdSettings s :
         {SgdSettings{0, 0.1, false}, SgdSettings{0.9, 0, false}, SgdSettings{0.9, 0.1, true}}) {
      auto p = random_floats(n, 1);
      std::vector<float> buffer(p.size());
      auto want = wide(p), want_b = wide(buffer);
      for (int t = 1; t <= 3; ++t) {
        const auto g = gradient(n, t);
        const auto norms = sgd(p.data(), g.data(), s.momentum != 0 ? buffer.data() : nullptr, n, s, 0.05);
        for (size_t i = 0; i < p.size(); ++i) {
          const double grad = static_cast<double>(g[i]) + s.weight_decay * want[i];
          want_b[i] = s.momentum * want_b[i] + grad;
          want[i] -= 0.05 * (s.nesterov ? grad + s.momentum * want_b[i] : want_b[i]);
        }
        CHECK(norms.grad_square == Approx(squares(g)).epsilon(1e-6));
        CHECK(norms.param_square == Approx(squares(p)).epsilon(1e-6));
      }
      INFO("n " << n << " momentum " << s.momentum << " nesterov " << s.nesterov);
      CHECK(relative_error(p, want) < 1e-6);
    }
  }
}

// Were NaN lost in the norms, a diverged run would go on unseen.
TEST_CASE("a NaN gradient shows in the norm and in the weight") {
  for (size_t at : {size_t{0}, size_t{4098}}) {
    auto p = random_floats(4099, 1), g = gradient(4099, 1);
    g[at] = std::numeric_limits<float>::quiet_NaN();
    const auto norms = sgd(p.data(), g.data(), nullptr, 4099, {}, 0.1);
    CHECK(std::isnan(norms.grad_square));
    CHECK(std::isnan(norms.param_square));
    CHECK(std::isnan(p[at]));
  }
}
