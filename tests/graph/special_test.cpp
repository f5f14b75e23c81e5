#include <cmath>
#include <map>

#include "agon/program.h"

#include "catch.h"

using namespace agon;

namespace {

/// Runs a graph whose inputs and outputs are all floats on the oracle.
std::map<std::string, std::vector<double>> evaluate(
    const Graph& graph, const std::map<std::string, std::vector<double>>& inputs) {
  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto program = backend->compile(graph, *store, {});
  for (const auto& [name, values] : inputs)
    program->write(name, Tensor::of<double>({static_cast<int64_t>(values.size())}, values));
  program->run(0);
  std::map<std::string, std::vector<double>> result;
  for (const auto& [name, value] : graph.outputs()) {
    const Tensor tensor = program->read(name);
    const auto values = tensor.as<double>();
    result[name] = {values.begin(), values.end()};
  }
  return result;
}

using List = std::vector<double>;

}  // namespace

// Were sqrt's derivative at 0 infinite, one zero gradient would turn a WGAN-GP run into NaN.
TEST_CASE("the derivatives of sqrt at 0 are 0") {
  Graph g;
  Value x = g.input("x", {3});
  const std::vector<Value> wrt{x};
  Value first = grad(sum(sqrt(x)), wrt)[0];
  Value second = grad(sum(first), wrt)[0];
  Value third = grad(sum(second), wrt)[0];
  g.output("first", first);
  g.output("second", second);
  g.output("third", third);
  auto y = evaluate(g, {{"x", {0, 1, 4}}});
  CHECK(y["first"] == List{0, 0.5, 0.25});
  CHECK(y["second"] == List{0, -0.25, -0.03125});
  CHECK(y["third"] == List{0, 0.375, 3.0 / 256});
}

// Were the norm of a zero gradient not differentiable, the penalty at initialisation would be NaN.
TEST_CASE("the penalty of a zero gradient has finite derivatives") {
  Graph g;
  Value x = g.input("x", {4}), w = g.input("w", {4});
  const std::vector<Value> by_x{x}, by_w{w};
  Value d = grad(sum(x * w), by_x)[0];
  Value penalty = square(sqrt(reduce_sum(square(d))) - 1.0);
  g.output("penalty", penalty);
  g.output("dw", grad(sum(penalty), by_w)[0]);
  auto y = evaluate(g, {{"x", {1, 2, 3, 4}}, {"w", {0, 0, 0, 0}}});
  CHECK(y["penalty"] == List{1});
  CHECK(y["dw"] == List{0, 0, 0, 0});
}

// Were gradients to pass, a generator would be trained by the discriminator's move.
TEST_CASE("stop_gradient is a constant to every derivative") {
  Graph g;
  Value x = g.input("x", {2});
  const std::vector<Value> wrt{x};
  Value first = grad(sum(stop_gradient(x * x) * x), wrt)[0];
  g.output("first", first);
  g.output("second", grad(sum(first * x), wrt)[0]);
  auto y = evaluate(g, {{"x", {3, -2}}});
  CHECK(y["first"] == List{9, 4});
  // d (stop(x^2) x) / dx = stop(x^2); only the other factor moves.
  CHECK(y["second"] == List{9, 4});
}

// Were ties counted more than once, or lost, gradients would not sum to what flowed in.
TEST_CASE("ties are settled as documented") {
  Graph g;
  Value a = g.input("a", {2}), b = g.input("b", {2}), x = g.input("x", {4});
  const std::vector<Value> both{a, b}, one{x};
  const auto by_max = grad(sum(maximum(a, b)), both), by_min = grad(sum(minimum(a, b)), both);
  g.output("max a", by_max[0]);
  g.output("max b", by_max[1]);
  g.output("min a", by_min[0]);
  g.output("min b", by_min[1]);
  g.output("reduce", grad(sum(reduce_max(x)), one)[0]);
  Window window = Window::square(2, 2, 0);
  g.output("pool", grad(sum(max_pool(reshape(x, {1, 2, 2, 1}), window)), one)[0]);
  auto y = evaluate(g, {{"a", {1, 2}}, {"b", {1, 3}}, {"x", {0, 5, 5, 1}}});
  CHECK(y["max a"] == List{1, 0});
  CHECK(y["max b"] == List{0, 1});
  CHECK(y["min a"] == List{1, 1});
  CHECK(y["min b"] == List{0, 0});
  CHECK(y["reduce"] == List{0, 0.5, 0.5, 0});
  CHECK(y["pool"] == List{0, 1, 0, 0});
}

// Were padding to count as 0, pooling negative images would invent maxima.
TEST_CASE("padding never wins a max pool") {
  Graph g;
  Value x = g.input("x", {4});
  Value y = max_pool(reshape(x, {1, 2, 2, 1}), Window::square(3, 1, 1));
  g.output("y", y);
  CHECK(evaluate(g, {{"x", {-4, -3, -2, -9}}})["y"] == List{-2, -2, -2, -2});
}

// Were u and v not held fixed, or sigma not to depend on W, spectral normalisation would train differently
// from PyTorch's.
TEST_CASE("the gradient of a spectral norm passes through sigma with u and v fixed") {
  const List w{1, 2, -0.5, 0.25, 3, -1}, u{0.6, 0.8};
  Graph g;
  Value weight = g.input("w", {6});
  const std::vector<Value> wrt{weight};
  Value matrix = reshape(weight, {2, 3});
  const SpectralNormOut out = spectral_norm(matrix, g.input("u", {2}), 1e-12, false);
  Value c = g.input("c", {6});
  g.output("w", reshape(out.w, {6}));
  g.output("dw", grad(sum(out.w * reshape(c, {2, 3})), wrt)[0]);
  const List cotangent{0.5, -1, 2, 1, 0.25, -0.75};
  auto y = evaluate(g, {{"w", w}, {"u", u}, {"c", cotangent}});

  List v(3);
  for (size_t j = 0; j < 3; ++j) v[j] = u[0] * w[j] + u[1] * w[3 + j];
  const double norm = std::hypot(v[0], v[1], v[2]);
  double sigma = 0, inner = 0;
  for (size_t i = 0; i < 2; ++i)
    for (size_t j = 0; j < 3; ++j) sigma += u[i] * w[3 * i + j] * v[j] / norm;
  for (size_t k = 0; k < 6; ++k) inner += cotangent[k] * w[k];
  for (size_t i = 0; i < 2; ++i)
    for (size_t j = 0; j < 3; ++j) {
      CHECK(y["w"][3 * i + j] == Approx(w[3 * i + j] / sigma).epsilon(1e-12));
      const double expected = cotangent[3 * i + j] / sigma - inner / (sigma * sigma) * u[i] * v[j] / norm;
      CHECK(y["dw"][3 * i + j] == Approx(expected).epsilon(1e-12));
    }
}
