#include "gan/objective.h"

#include <array>
#include <cmath>
#include <functional>

#include "agon/error.h"
#include "agon/program.h"

#include "catch.h"
#include "gan/penalty.h"

using namespace agon;
using namespace agon::gan;

namespace {

constexpr std::array<double, 4> scores = {-30.0, -0.75, 0.5, 2.25};

/// The value of `build(s)` and its gradient by s, on the reference backend.
std::pair<double, std::vector<double>> evaluate(const std::function<Value(Value)>& build) {
  Graph graph;
  const Value s = graph.input("s", {static_cast<int64_t>(scores.size()), 1});
  const Value loss = build(s);
  graph.output("loss", loss);
  graph.output("grad", grad(loss, std::array{s})[0]);
  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto program = backend->compile(graph, *store, {});
  program->write("s", Tensor::of<double>({static_cast<int64_t>(scores.size()), 1}, scores));
  program->run(0);
  const Tensor gradient = program->read("grad");
  const auto g = gradient.as<double>();
  return {program->read("loss").as<double>()[0], {g.begin(), g.end()}};
}

double mean_of(const std::function<double(double)>& f) {
  double total = 0;
  for (const double s : scores) total += f(s);
  return total / static_cast<double>(scores.size());
}

void compare(const std::function<Value(Value)>& built, const std::function<double(double)>& value,
             const std::function<double(double)>& derivative) {
  const auto [loss, gradient] = evaluate(built);
  CHECK(loss == Approx(mean_of(value)).epsilon(1e-12));
  for (size_t i = 0; i < scores.size(); ++i)
    CHECK(gradient[i] == Approx(derivative(scores[i]) / scores.size()).epsilon(1e-12).margin(1e-15));
}

double sigma(double s) {
  return 1 / (1 + std::exp(-s));
}
double soft(double s) {
  return std::log1p(std::exp(-std::abs(s))) + std::max(s, 0.0);
}

}  // namespace

// D and G would be trained by something that is not the named objective.
TEST_CASE("objectives equal their closed forms and derivatives", "[objective]") {
  const auto real = [](ObjectiveKind k, double t = 1) {
    return [=](Value s) { return Objective{k, t, 0}.real_term(s); };
  };
  const auto fake = [](ObjectiveKind k, double t = 0) {
    return [=](Value s) { return Objective{k, 1, t}.fake_term(s); };
  };
  const auto generator = [](ObjectiveKind k) {
    return [=](Value s) { return Objective{k, 0.9, 0.1}.generator_loss(s); };
  };
  using K = ObjectiveKind;
  for (const K k : {K::minimax, K::non_saturating, K::bce}) {
    compare(
        real(k), [](double s) { return soft(-s); }, [](double s) { return sigma(s) - 1; });
    compare(
        fake(k), [](double s) { return soft(s); }, [](double s) { return sigma(s); });
    CHECK(Objective{k}.is_logistic());
  }
  compare(
      generator(K::minimax), [](double s) { return -soft(s); }, [](double s) { return -sigma(s); });
  for (const K k : {K::non_saturating, K::bce})
    compare(
        generator(k), [](double s) { return soft(-s); }, [](double s) { return sigma(s) - 1; });
  compare(
      real(K::bce, 0.9), [](double s) { return 0.9 * soft(-s) + 0.1 * soft(s); },
      [](double s) { return sigma(s) - 0.9; });
  compare(
      fake(K::bce, 0.1), [](double s) { return 0.1 * soft(-s) + 0.9 * soft(s); },
      [](double s) { return sigma(s) - 0.1; });

  compare(
      real(K::least_squares), [](double s) { return 0.5 * (s - 1) * (s - 1); },
      [](double s) { return s - 1; });
  compare(
      fake(K::least_squares), [](double s) { return 0.5 * s * s; }, [](double s) { return s; });
  compare(
      generator(K::least_squares), [](double s) { return 0.5 * (s - 1) * (s - 1); },
      [](double s) { return s - 1; });

  compare(
      real(K::hinge), [](double s) { return std::max(0.0, 1 - s); },
      [](double s) { return s < 1 ? -1.0 : 0.0; });
  compare(
      fake(K::hinge), [](double s) { return std::max(0.0, 1 + s); },
      [](double s) { return s > -1 ? 1.0 : 0.0; });
  const auto one = [](double) { return 1.0; };
  const auto minus_one = [](double) { return -1.0; };
  const auto plain = [](double s) { return s; };
  const auto negated = [](double s) { return -s; };
  compare(real(K::wasserstein), negated, minus_one);
  compare(fake(K::wasserstein), plain, one);
  for (const K k : {K::hinge, K::wasserstein}) {
    compare(generator(k), negated, minus_one);
    CHECK(!Objective{k}.is_logistic());
  }
  CHECK(parse_objective("least_squares", "x") == K::least_squares);
  CHECK_THROWS_AS(parse_objective("lsq", "x"), Error);
}

namespace {

struct Penalties {
  double gradient_penalty, r1;
  std::vector<double> gradient;  ///< of the gradient penalty by w
};

/// Penalties of D(x) = w . x, whose gradient by x is w everywhere.
Penalties of_linear(const std::vector<double>& w) {
  const auto n = static_cast<int64_t>(w.size());
  Graph graph;
  const Value weight = graph.input("w", {n, 1});
  const auto discriminator = [&](Value x) { return matmul(reshape(x, {3, n}), weight); };
  const Value real = graph.random_normal({3, 1, n, 1}, 1), fake = graph.random_normal({3, 1, n, 1}, 2);
  const Value gp = gradient_penalty(discriminator, real, fake, graph.random_uniform({3}, 3), 10);
  graph.output("gp", gp);
  graph.output("r1", r1_penalty(discriminator(real), real, 4));
  graph.output("grad", grad(gp, std::array{weight})[0]);
  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto program = backend->compile(graph, *store, {});
  program->write("w", Tensor::of<double>({n, 1}, w));
  program->run(0);
  const Tensor gradient = program->read("grad");
  const auto g = gradient.as<double>();
  return {program->read("gp").as<double>()[0], program->read("r1").as<double>()[0], {g.begin(), g.end()}};
}

}  // namespace

// The penalties would have another factor, norm or mean than the papers', or give NaN where a gradient
// vanishes.
TEST_CASE("penalties of a linear discriminator are closed forms", "[objective]") {
  const Penalties p = of_linear({3, 0, -4});
  CHECK(p.gradient_penalty == Approx(10 * 16).epsilon(1e-12));
  CHECK(p.r1 == Approx(2 * 25).epsilon(1e-12));
  // d/dw 10 (|w| - 1)^2 = 20 (|w| - 1) w / |w|.
  CHECK(p.gradient[0] == Approx(20 * 4 * 0.6).epsilon(1e-12));
  CHECK(p.gradient[1] == Approx(0).margin(1e-12));
  CHECK(p.gradient[2] == Approx(-20 * 4 * 0.8).epsilon(1e-12));

  const Penalties zero = of_linear({0, 0});
  CHECK(zero.gradient_penalty == Approx(10));
  CHECK(zero.r1 == 0);
  CHECK(zero.gradient == std::vector<double>{0, 0});
}
