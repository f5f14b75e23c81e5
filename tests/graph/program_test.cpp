#include "agon/program.h"

#include "agon/philox.h"

#include "catch.h"

using namespace agon;

namespace {

Tensor numbers(Shape shape, std::vector<double> values) {
  return Tensor::of<double>(shape, values);
}
std::vector<double> list(const Tensor& tensor) {
  const auto values = tensor.as<double>();
  return {values.begin(), values.end()};
}

struct Run {
  std::shared_ptr<Backend> backend = open_backend("reference");
  std::unique_ptr<Store> store = backend->make_store();
  std::unique_ptr<Program> compile(const Graph& graph) {
    return backend->compile(graph, *store, {.seed = 7});
  }
};

}  // namespace

// Were assignments made at once, two states could not be exchanged, and a later read would see the new value.
TEST_CASE("assignments take effect together at the end of a run") {
  Graph g;
  Value a = g.state("a", {2}), b = g.state("b", {2});
  g.assign(a, b);
  g.assign(b, a);
  g.output("a before", a);
  Run run;
  auto program = run.compile(g);
  run.store->write("a", numbers({2}, {1, 2}));
  run.store->write("b", numbers({2}, {3, 4}));
  program->run(0);
  CHECK(list(run.store->read("a")) == std::vector<double>{3, 4});
  CHECK(list(run.store->read("b")) == std::vector<double>{1, 2});
  CHECK(list(program->read("a before")) == std::vector<double>{1, 2});
}

// Were views copies, an optimizer over a slice of a flat buffer would update nothing that lasts.
TEST_CASE("an in-place update reaches the store through a view") {
  Graph g;
  Value flat = g.state("flat", {6});
  Value p = slice(flat, 0, 2, 5);
  g.append(Op::sgd, {p, g.constant(1, {3}), g.state("buffer", {3}), g.scalar("lr")},
           OptimizerAttr{.beta1 = 0.5});
  g.output("p before", p);
  Run run;
  auto program = run.compile(g);
  run.store->write("flat", numbers({6}, {0, 1, 2, 3, 4, 5}));
  program->set_scalar("lr", 0.5);
  program->run(0);
  CHECK(list(run.store->read("flat")) == std::vector<double>{0, 1, 1.5, 2.5, 3.5, 5});
  CHECK(list(program->read("p before")) == std::vector<double>{2, 3, 4});
  program->run(1);
  CHECK(list(run.store->read("flat")) == std::vector<double>{0, 1, 0.75, 1.75, 2.75, 5});
  CHECK(list(run.store->read("buffer")) == std::vector<double>{1.5, 1.5, 1.5});
}

// Were records lost or misnumbered, the metrics of a run would be those of another step.
TEST_CASE("scalar outputs are recorded once a run until they are drained") {
  Graph g;
  Value x = g.input("x", {3});
  g.output("sum", sum(x));
  g.output("x", x);
  Run run;
  auto program = run.compile(g);
  CHECK(program->scalar_names() == std::vector<std::string>{"sum"});
  program->write("x", numbers({3}, {1, 2, 0.1}));
  program->run(5);
  reinterpret_cast<float*>(program->input("x").data())[0] = 10;
  program->run(6);
  auto records = program->drain();
  REQUIRE(records.size() == 2);
  CHECK(records[0].step == 5);
  CHECK(records[0].values[0] == 1 + 2 + 0.1);
  CHECK(records[1].step == 6);
  CHECK(records[1].values[0] == Approx(12.1).epsilon(1e-7));
  CHECK(program->drain().empty());
  CHECK_THROWS_AS(program->write("y", numbers({3}, {1, 2, 3})), Error);
  CHECK_THROWS_AS(program->write("x", numbers({1}, {1})), Error);
  CHECK_THROWS_AS(program->read("y"), Error);
}

// Were random leaves not the documented function of (seed, step, stream, element), backends would disagree
// and a resumed run would take another course.
TEST_CASE("random leaves are Philox of seed, step, stream and element") {
  Graph g;
  g.output("uniform", g.random_uniform({2, 3}));
  g.output("normal", g.random_normal({70, 100}, 9));
  g.output("mask", g.random_bernoulli({5}, 0.3, 0));
  Run run;
  auto program = run.compile(g);
  program->run(uint64_t{1} << 33);
  const auto uniform = list(program->read("uniform")), mask = list(program->read("mask"));
  for (uint32_t i = 0; i < 6; ++i) {
    CHECK(uniform[i] == philox_uniform(philox_at(7, uint64_t{1} << 33, 0, i / 4)[i % 4]));
    if (i < 5) CHECK(mask[i] == (uniform[i] < 0.3 ? 1 : 0));
  }
  const auto normal = list(program->read("normal"));
  double moments[4] = {0, 0, 0, 0};
  for (double x : normal)
    for (int k = 0; k < 4; ++k) moments[k] += std::pow(x, k + 1) / static_cast<double>(normal.size());
  CHECK(moments[0] == Approx(0).margin(0.04));
  CHECK(moments[1] == Approx(1).margin(0.06));
  CHECK(moments[2] == Approx(0).margin(0.15));
  CHECK(moments[3] == Approx(3).margin(0.4));
  program->run(0);
  CHECK(list(program->read("normal")) != normal);
}

// Were an unknown or missing backend reported without the cure, the user would be left to guess.
TEST_CASE("backends are opened by name and their absence is explained") {
  CHECK(open_backend("reference")->name() == "reference");
  try {
    open_backend("gpu");
    FAIL("opened a backend that does not exist");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    for (const std::string& name : backend_names())
      CHECK(std::string(error.what()).find(name) != std::string::npos);
  }
}
