#include <cmath>
#include <dlfcn.h>
#include <vector>

#include "agon/philox.h"
#include "agon/program.h"

#include "catch.h"
#include "cuda/device.h"

using namespace agon;

// On the simulated device these run with stand-ins for cuDNN and cuBLAS (tests/cuda/standin), which
// AGON_CUDNN and AGON_CUBLAS name; on a GPU with NVIDIA's own where they are installed.
namespace {

/// The names that the libraries have as candidates; empty where there is none.
std::string cudnn_name() {
  const char* given = std::getenv("AGON_CUDNN");
  void* library = ::dlopen(given != nullptr ? given : "libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
  const auto version =
      library != nullptr ? reinterpret_cast<size_t (*)()>(::dlsym(library, "cudnnGetVersion")) : nullptr;
  return version != nullptr ? "cudnn " + std::to_string(version()) : "";
}
std::string cublas_name() {
  const char* given = std::getenv("AGON_CUBLAS");
  void* library = ::dlopen(given != nullptr ? given : "libcublas.so.13", RTLD_NOW | RTLD_LOCAL);
  auto* property = library != nullptr
                       ? reinterpret_cast<int (*)(int, int*)>(::dlsym(library, "cublasGetProperty"))
                       : nullptr;
  if (property == nullptr) return "";
  int parts[3] = {};  // major, minor, patch
  for (int i = 0; i < 3; ++i) property(i, &parts[i]);
  return "cublas " + std::to_string(parts[0] * 10000 + parts[1] * 100 + parts[2]);
}

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
  Result theirs;
  try {
    theirs = run(backend, g, options);
  } catch (const Error& error) {  // a real library may lack the problem
    if (error.kind() != ErrorKind::unsupported || backend.name() == "simt") throw;
    remarks.emplace_back(error.what());
  }
  if (!remarks.empty() && backend.name() != "simt") {
    std::printf("skipped: %s of a problem: %s\n", rival.c_str(), remarks[0].c_str());
    return;
  }
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
  const auto backend = device("convolutions by cudnn");
  if (!backend) return;
  const std::string cudnn = cudnn_name();
  if (cudnn.empty()) {
    std::puts("skipped: convolutions by cudnn: it is not installed");
    return;
  }
  const Window window = Window::square(3, 2, 1);
  {
    Graph g;
    g.output("y", conv(g.input("x", {2, 6, 7, 4}), g.input("w", {5, 3, 3, 4}), window));
    check_rival(*backend, g, cudnn);
  }
  {
    Graph g;
    g.output("y",
             conv_input_grad(g.input("dy", {2, 3, 4, 5}), g.input("w", {5, 3, 3, 4}), window, {2, 6, 7, 4}));
    check_rival(*backend, g, cudnn);
  }
  {  // real and fake batches: the second gradient is added to the first
    Graph g;
    const auto gradient = [&](const std::string& name) {
      return conv_weight_grad(g.input("x" + name, {2, 6, 7, 4}), g.input("dy" + name, {2, 3, 4, 5}), window,
                              {5, 3, 3, 4});
    };
    g.output("y", gradient(".real") + gradient(".fake"));
    check_rival(*backend, g, cudnn);
  }
}

// As above, for linear layers.
TEST_CASE("matrix products by cublas are those of our own kernels", "[.rivals]") {
  const auto backend = device("matrix products by cublas");
  if (!backend) return;
  const std::string cublas = cublas_name();
  if (cublas.empty()) {
    std::puts("skipped: matrix products by cublas: it is not installed");
    return;
  }
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      INFO(ta << " " << tb);
      Graph g;
      g.output("y", matmul(g.input("a", ta ? Shape{9, 7} : Shape{7, 9}),
                           g.input("b", tb ? Shape{5, 9} : Shape{9, 5}), ta, tb));
      check_rival(*backend, g, cublas);
    }
}
