#include "app/roofline.h"

#include <algorithm>
#include <cmath>

namespace agon::app {
namespace {

/// A kernel that takes this long has left start-up costs behind; a larger one would only cost time.
constexpr double long_enough = 0.02;

/// The shortest of several runs of the kernel named `op` in `graph`.
double best_seconds(Backend& backend, const Graph& graph, Precision precision, std::string_view op) {
  constexpr int tries = 5;
  const auto store = backend.make_store();
  CompileOptions options;
  options.precision = precision;
  const auto program = backend.compile(graph, *store, options);
  program->run(0);
  double best = 0;
  for (int i = 0; i < tries; ++i)
    for (const KernelTime& kernel : program->profile(1))
      if (kernel.op == op) best = best == 0 ? kernel.seconds : std::min(best, kernel.seconds);
  return best;
}

}  // namespace

double Roofline::seconds(double flops, double bytes) const {
  return std::max(flops / flops_per_s, bytes / bytes_per_s);
}

Roofline measure_roofline(Backend& backend, Precision precision) {
  Roofline roofline;
  double seconds = 0;
  const int64_t most = backend.name() == "cuda" ? 1 << 26 : 1 << 24;  // GPUs have caches of up to 128 MiB
  for (int64_t count = 1 << 20; count <= most && seconds < long_enough; count *= 4) {
    Graph stream;
    stream.output("y", stream.state("x", {count}) + 1.0);
    seconds = best_seconds(backend, stream, Precision::f32, "add");
    roofline.bytes_per_s = 2 * sizeof(float) * static_cast<double>(count) / seconds;
  }
  seconds = 0;
  for (int64_t side = 128; side <= 4096 && seconds < long_enough; side *= 2) {
    Graph product;
    product.output("c", matmul(product.random_normal({side, side}), product.random_normal({side, side})));
    seconds = best_seconds(backend, product, precision, "matmul");
    roofline.flops_per_s = 2 * std::pow(static_cast<double>(side), 3) / seconds;
  }
  return roofline;
}

}  // namespace agon::app
