#include <cmath>
#include <vector>

#include "agon/philox.h"
#include "agon/program.h"

#include "catch.h"

using namespace agon;

// These run with stand-ins for cuDNN and cuBLAS (tests/cuda/standin), which AGON_CUDNN and AGON_CUBLAS name.
namespace {

struct Result {
  Tensor y;
  std::map<std::string, std::string> choices;
  std::vector<std::string> lines;
};

Result run(Backend& backend, const Graph& g, const CompileOptions& options) {
  const auto store = backend.make_store();
  const auto program = backend.compile(g, *store, options);
  PhiloxStream random(5, 0, 1);
  for (const Node& node : g.nodes()) {
    if (node.op != Op::input) continue;
    Tensor values(DType::f32, g.value(node.outputs[0]).shape);
    for (float& v : values.as<float>()) v = random.uniform() * 2 - 1;
    program->write(node.name, values);
  }
  program->run(0);
  return {program->read("y"), program->info().choices, program->info().lines};
}

/// The graph computed by `rival` is what our own kernels make of it.
void check_rival(Backend& backend, const Graph& g, const std::string& rival) {
  const Result own = run(backend, g, {});
  CHECK(own.choices.empty());
  // Timing tells the problem's name; the choice is then given, whatever was fastest.
  CompileOptions options;
  options.autotune = true;
  options.choices = run(backend, g, options).choices;
  REQUIRE_FALSE(options.choices.empty());
  for (auto& [problem, choice] : options.choices) choice = rival;
  std::vector<std::string> remarks;
  options.log = [&](const std::string& line) { remarks.push_back(line); };
  const Result theirs = run(backend, g, options);
  for (const std::string& remark : remarks) UNSCOPED_INFO(remark);
  CHECK(remarks.empty());
  CHECK(theirs.choices == options.choices);
  CHECK(std::ranges::any_of(theirs.lines, [&](const std::string& line) { return line.ends_with(rival); }));
  const auto a = own.y.as<float>(), b = theirs.y.as<float>();
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    INFO(i);
    CHECK(std::abs(a[i] - b[i]) <= 1e-4 * (1 + std::abs(a[i])));
  }
}

}  // namespace

// On a GPU the faster of ours and cuDNN's is taken: operands exchanged or strides lost would train nonsense
// there.
TEST_CASE("convolutions by cudnn are those of our own kernels", "[.rivals]") {
  const auto backend = open_backend("simt");
  const Window window = Window::square(3, 2, 1);
  {
    Graph g;
    g.output("y", conv(g.input("x", {2, 6, 7, 4}), g.input("w", {5, 3, 3, 4}), window));
    check_rival(*backend, g, "cudnn 90000");
  }
  {
    Graph g;
    g.output("y",
             conv_input_grad(g.input("dy", {2, 3, 4, 5}), g.input("w", {5, 3, 3, 4}), window, {2, 6, 7, 4}));
    check_rival(*backend, g, "cudnn 90000");
  }
  {  // real and fake batches: the second gradient is added to the first
    Graph g;
    const auto gradient = [&](const std::string& name) {
      return conv_weight_grad(g.input("x" + name, {2, 6, 7, 4}), g.input("dy" + name, {2, 3, 4, 5}), window,
                              {5, 3, 3, 4});
    };
    g.output("y", gradient(".real") + gradient(".fake"));
    check_rival(*backend, g, "cudnn 90000");
  }
}

// As above, for linear layers.
TEST_CASE("matrix products by cublas are those of our own kernels", "[.rivals]") {
  const auto backend = open_backend("simt");
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      INFO(ta << " " << tb);
      Graph g;
      g.output("y", matmul(g.input("a", ta ? Shape{9, 7} : Shape{7, 9}),
                           g.input("b", tb ? Shape{5, 9} : Shape{9, 5}), ta, tb));
      check_rival(*backend, g, "cublas 130000");
    }
}
