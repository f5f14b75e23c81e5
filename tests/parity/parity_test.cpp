#include <cstdlib>
#include <iostream>
#include <set>

#include "cases/cases.h"
#include "catch.h"
#include "graph/infer.h"
#include "graph/passes/passes.h"
#include "parity/harness.h"
#include "support/backends.h"

using namespace agon;
using namespace agon::parity;

namespace {

/// The table, or the one case of AGON_PARITY_CASE (with the table's tolerance if it is in there).
std::vector<ParityCase> selected() {
  const char* line = std::getenv("AGON_PARITY_CASE");
  if (line == nullptr) return table();
  for (const ParityCase& parity : table())
    if (parity.line == line) return {parity};
  return {{line}};
}

/// A device whose kernels can absorb everything.
class AbsorbAll final : public FusionPolicy {
 public:
  std::string against_epilogue(const Graph&, const Node&, bool, Activation) const override { return {}; }
  std::string against_norm_epilogue(const Graph&, const Node&, Activation) const override { return {}; }
  std::string against_norm_grad(const Graph&, const Node&, Activation) const override { return {}; }
};

/// Throws Error where a node's recorded types are not what its operands make.
void check_types(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.inputs.empty() || node.op == Op::elementwise) continue;
    std::vector<ValueInfo> operands;
    for (int id : node.inputs) operands.push_back(graph.value(id));
    // Fused operands stand behind the op's own.
    if (node.fusion.bias || node.fusion.grad.kind != ActivationKind::identity) operands.pop_back();
    const ValueInfo& result = graph.value(node.outputs[0]);
    const auto types = infer(node.op, operands, node.attr, result.shape, result.dtype);
    for (size_t i = 0; i < types.size(); ++i) {
      const ValueInfo& recorded = graph.value(node.outputs[i]);
      check(recorded.shape == types[i].shape && recorded.dtype == types[i].dtype, ErrorKind::internal,
            "{} is recorded as {}, its operands make {}", name_of(node.op), recorded.shape.str(),
            types[i].shape.str());
    }
  }
}

/// `reference` behind the passes that the other backends run before they lower a graph.
class OptimisedReference final : public Backend {
 public:
  std::string_view name() const override { return "passes"; }
  std::unique_ptr<Store> make_store() override { return inner_->make_store(); }
  std::unique_ptr<Program> compile(const Graph& graph, Store& store, const CompileOptions& options) override {
    const Fused fused = optimise(graph, AbsorbAll(), options.fuse);
    check_types(fused.graph);
    for (const Node& node : fused.graph.nodes()) {
      if (node.fusion.bias) ++fusions["bias"];
      if (node.fusion.epilogue.kind != ActivationKind::identity)
        ++fusions[std::string(name_of(node.op)) + " epilogue"];
      if (node.fusion.grad.kind != ActivationKind::identity) ++fusions["norm grad"];
      if (node.op == Op::elementwise) ++fusions["elementwise"];
    }
    return inner_->compile(fused.graph, store, options);
  }

  std::map<std::string, int> fusions;

 private:
  std::shared_ptr<Backend> inner_ = open_backend("reference");
};

}  // namespace

// Were a backend's op off, a GAN would train to something else there than the oracle says.
TEST_CASE("every backend agrees with reference on every case, fused and unfused") {
  for (const auto& backend : backends_under_test("parity")) check_parity(*backend, selected(), std::cout);
}

/// Runs the table in `precision` on every backend that has it.
static void check_precision(Precision precision, const char* name) {
  for (const auto& backend : backends_under_test("parity")) {
    Graph empty;
    const auto store = backend->make_store();
    try {
      backend->compile(empty, *store, {.precision = precision});
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::unsupported) throw;
      std::cout << "skipped: parity of " << backend->name() << " in " << name << ": " << error.what() << "\n";
      continue;
    }
    check_parity(*backend, selected(), std::cout, precision);
  }
}

// Were bf16 stored where sums must be exact, or read as something else, mixed precision would not train.
TEST_CASE("every backend agrees with reference on every case in bf16, fused and unfused") {
  check_precision(Precision::bf16, "bf16");
}

// Were the fragments of tensor cores laid out wrongly, products would be of other elements.
TEST_CASE("every backend agrees with reference on every case in tf32, fused and unfused") {
  check_precision(Precision::tf32, "tf32");
}

// Were a pass to change what a graph computes, every backend but the oracle would be wrong in the same way.
TEST_CASE("the passes of compile keep what a graph computes") {
  if (!is_under_test("passes")) return;
  OptimisedReference backend;
  auto cases = selected();
  for (ParityCase& parity : cases) parity.tolerance = 1e-10;
  check_parity(backend, cases, std::cout);
  if (cases.size() == 1) return;
  for (const std::string fusion : {"bias", "conv epilogue", "conv_input_grad epilogue", "matmul epilogue",
                                   "batch_norm_train epilogue", "norm grad", "elementwise"}) {
    INFO(fusion);
    CHECK(backend.fusions[fusion] > 0);
  }
}

// Were an op missing from the table, a backend could have it wrong unnoticed.
TEST_CASE("every op has a parity case") {
  std::set<std::string> kinds;
  for (const ParityCase& parity : table()) kinds.insert(cases::Descriptor(parity.line).kind());
  for (Op op : cases::all_ops()) {
    INFO(name_of(op));
    CHECK(kinds.contains(std::string(name_of(op))));
  }
}

// Were a case bound to its name only, "conv" could stop testing conv.
TEST_CASE("a case that bears an op's name contains the op") {
  for (const ParityCase& parity : table()) {
    const auto subject = cases::make_case(parity.line);
    const std::string& kind = subject->descriptor.kind();
    for (Op op : cases::all_ops()) {
      if (name_of(op) != kind) continue;
      INFO(parity.line);
      CHECK(std::ranges::any_of(subject->graph.nodes(), [&](const Node& node) { return node.op == op; }));
    }
  }
}

// Were the comparison blind, no parity test could fail.
TEST_CASE("the harness sees a wrong number, a NaN, a missing tensor, another index and another shape") {
  const Tensor expected = Tensor::of<double>({4}, std::vector<double>{1, -2, 0, 0.5});
  const auto error = [&](std::vector<double> values) {
    return error_of(Tensor::of<double>({4}, values), expected);
  };
  CHECK(error({1, -2, 0, 0.5}) == 0);
  CHECK(error({1, -2, 0.002, 0.5}) == Approx(1e-3));
  CHECK(std::isinf(error({1, -2, std::nan(""), 0.5})));
  CHECK(std::isinf(error_of(expected.reshaped({2, 2}), expected)));
  CHECK(std::isinf(error_of(Tensor::of<int32_t>({2}, std::vector<int32_t>{1, 2}),
                            Tensor::of<int32_t>({2}, std::vector<int32_t>{1, 3}))));
  CHECK(std::isinf(compare({}, {{"y0", expected}})[0].error));
}
