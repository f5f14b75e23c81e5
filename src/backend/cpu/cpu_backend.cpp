
#include "backend/cpu/cpu.h"
#include "backend/cpu/cpu_program.h"
#include "graph/passes/mixed_precision.h"
#include "graph/passes/passes.h"

namespace agon {
namespace cpu {
namespace {

/// What oneDNN's post-ops and our kernels absorb.
class CpuFusion : public FusionPolicy {
 public:
  explicit CpuFusion(bool narrow) : narrow_(narrow) {}
  std::string against_epilogue(const Graph& graph, const Node& node, bool, Activation) const override {
    if ((is_thin(graph, node) && !narrow_) || node.op == Op::conv) return {};
    return node.op == Op::matmul ? "the matrix product has no epilogue"
                                 : "oneDNN's backward pass has no post-ops";
  }
  std::string against_norm_epilogue(const Graph&, const Node&, Activation) const override { return {}; }
  std::string against_norm_grad(const Graph&, const Node&, Activation) const override { return {}; }

 private:
  bool narrow_;  ///< contractions will be bf16, which thin_conv.h does not take
};

class CpuBackend : public Backend {
 public:
  std::string_view name() const override { return "cpu"; }
  std::unique_ptr<Store> make_store() override { return std::make_unique<CpuStore>(); }
  std::unique_ptr<Program> compile(const Graph& graph, Store& store, const CompileOptions& options) override;

 private:
  std::shared_ptr<const Engine> engine_ = std::make_shared<const Engine>();
};

std::unique_ptr<Program> CpuBackend::compile(const Graph& graph, Store& store,
                                             const CompileOptions& options) {
  check(options.precision != Precision::tf32, ErrorKind::unsupported,
        "cpu: tf32 is for CUDA devices; use precision = \"f32\" or \"bf16\"");
  const bool narrow = options.precision == Precision::bf16;
  if (narrow) {
    const std::string reason = against_bf16(dnnl::get_effective_cpu_isa());
    check(reason.empty(), ErrorKind::unsupported, "cpu: {}", reason);
  }
  auto* own = dynamic_cast<CpuStore*>(&store);
  check(own != nullptr, ErrorKind::usage, "cpu: the store belongs to another backend");
  Fused fused = optimise(graph, CpuFusion(narrow), options.fuse);
  if (narrow) fused.graph = mixed_precision(fused.graph);
  std::vector<std::string> notes;
  for (const auto& [node, action] : fused.notes) notes.push_back(fmt::format("{}: {}", node, action));
  return std::make_unique<CpuProgram>(Lowering(fused.graph, *own, engine_).run(), options.seed,
                                      std::move(notes));
}

}  // namespace
}  // namespace cpu

std::shared_ptr<Backend> make_cpu_backend() {
  return std::make_shared<cpu::CpuBackend>();
}

}  // namespace agon
