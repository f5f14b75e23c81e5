#include "agon/program.h"

#include "catch.h"
#include "support/backends.h"

using namespace agon;

// Were one state written before the other was read, an average or a buffer would take its neighbour's new
// content.
TEST_CASE("states may trade places within an iteration on every backend") {
  for (const auto& backend : backends_under_test("trading states")) {
    INFO(backend->name());
    Graph graph;
    Value a = graph.state("a", {3}), b = graph.state("b", {3}), c = graph.state("c", {3});
    graph.assign(a, b);
    graph.assign(b, c);
    graph.assign(c, a);
    const auto store = backend->make_store();
    const auto program = backend->compile(graph, *store, {});
    const auto fill = [&](const char* name, double value) {
      Tensor tensor(DType::f64, Shape{3});
      for (double& v : tensor.as<double>()) v = value;
      store->write(name, tensor);
    };
    fill("a", 1), fill("b", 2), fill("c", 3);
    program->run(0);
    const auto first = [&](const char* name) { return store->read(name).to(DType::f64).as<double>()[0]; };
    CHECK(first("a") == 2);
    CHECK(first("b") == 3);
    CHECK(first("c") == 1);
    program->run(1);
    CHECK(first("a") == 3);
    CHECK(first("b") == 1);
    CHECK(first("c") == 2);
  }
}
