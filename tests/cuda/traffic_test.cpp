#include <algorithm>
#include <array>

#include "agon/program.h"

#include "catch.h"
#include "cuda/device.h"

using namespace agon;

namespace {

/// A convolution with batch norm and LeakyReLU in the scope "layer", between an image and a consumer, and its
/// gradients.
Graph layer(bool backward) {
  Graph g;
  const Value x = g.input("x", {8, 16, 16, 32});
  const Value w = g.state("w", {64, 4, 4, 32}), next = g.state("next", {64, 3, 3, 64});
  const Value gamma = g.state("gamma", {64}), beta = g.state("beta", {64});
  const Value mean = g.state("mean", {64}), variance = g.state("variance", {64});
  Value y;
  {
    const Graph::Scope scope(g, "layer");
    const auto norm = batch_norm_train(conv(x, w, Window::square(4, 2, 1)), gamma, beta, mean, variance, {});
    g.assign(mean, norm.running_mean);
    g.assign(variance, norm.running_var);
    y = leaky_relu(norm.y, 0.2);
  }
  Value out;
  {
    const Graph::Scope scope(g, "consumer");
    out = conv(y, next, Window::square(3, 1, 1));
  }
  if (!backward) {
    g.output("out", out);
    return g;
  }
  const auto gradients = vjp(out, g.input("cotangent", out.shape()), std::array{w, gamma, beta, x});
  for (size_t i = 0; i < gradients.size(); ++i) g.output("gradient" + std::to_string(i), gradients[i]);
  return g;
}

/// Bytes of activations that the steps of the layer touch, each step's distinct bytes.
double traffic(Backend& backend, bool backward, bool fuse) {
  const auto store = backend.make_store();
  CompileOptions options;
  options.fuse = fuse;
  const auto program = backend.compile(layer(backward), *store, options);
  double bytes = 0;
  for (const KernelTime& kernel : program->profile(1)) {
    if (kernel.name.find("consumer") != std::string::npos) continue;
    const auto found =
        std::ranges::find(kernel.counters, "activation bytes", &std::pair<std::string, double>::first);
    REQUIRE(found != kernel.counters.end());
    UNSCOPED_INFO(kernel.op << " " << kernel.name << " " << kernel.detail << ": " << found->second);
    bytes += found->second;
  }
  return bytes;
}

}  // namespace

// Fusion would save launches and no memory traffic, which is what a training step waits for.
TEST_CASE("a fused layer touches at most 0.40 of the activation bytes forward, 0.65 with its gradients") {
  const auto backend = simulated_device("a fused layer touches at most 0.40");
  if (!backend) return;
  const double forward = traffic(*backend, false, true) / traffic(*backend, false, false);
  const double both = traffic(*backend, true, true) / traffic(*backend, true, false);
  INFO(forward << " forward, " << both << " forward and backward");
  CHECK(forward <= 0.40);
  CHECK(both <= 0.65);
  CHECK(forward > 0.1);
}
