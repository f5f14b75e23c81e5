#include "backend/cuda/cuda.h"
#include "backend/cuda/cuda_program.h"
#include "backend/cuda/driver.h"
#include "graph/passes/mixed_precision.h"
#include "graph/passes/passes.h"

namespace agon {
namespace device {
namespace {

/// The kernels' epilogues and prologues absorb all that the passes know.
class CudaFusion : public FusionPolicy {
 public:
  std::string against_epilogue(const Graph&, const Node&, bool, Activation) const override { return {}; }
  std::string against_norm_epilogue(const Graph&, const Node&, Activation) const override { return {}; }
  std::string against_norm_grad(const Graph&, const Node&, Activation) const override { return {}; }
  int max_operands() const override { return cuda::elementwise_max_operands; }
};

class CudaBackend : public Backend {
 public:
  CudaBackend(std::string_view name, DevicePtr device) : name_(name), device_(std::move(device)) {}

  std::string_view name() const override { return name_; }
  std::unique_ptr<Store> make_store() override { return std::make_unique<CudaStore>(device_); }
  std::unique_ptr<Program> compile(const Graph& graph, Store& store, const CompileOptions& options) override;

 private:
  std::string name_;
  DevicePtr device_;
};

std::unique_ptr<Program> CudaBackend::compile(const Graph& graph, Store& store,
                                              const CompileOptions& options) {
  auto* own = dynamic_cast<CudaStore*>(&store);
  check(own != nullptr && own->device() == device_, ErrorKind::usage,
        "{}: the store belongs to another backend", name_);
  Fused fused = optimise(graph, CudaFusion(), options.fuse);
  if (options.precision == Precision::bf16) fused.graph = mixed_precision(fused.graph);
  Lowered lowered = Lowering(fused.graph, *own, options).run();
  std::vector<std::string> notes;
  for (const auto& [node, action] : fused.notes) notes.push_back(fmt::format("{}: {}", node, action));
  lowered.notes.insert(lowered.notes.begin(), notes.begin(), notes.end());
  return std::make_unique<CudaProgram>(device_, std::move(lowered));
}

}  // namespace
}  // namespace device

std::shared_ptr<Backend> make_cuda_backend(int index, void* stream) {
  using namespace device;
  const auto reason = why_unusable(probe_driver(), {CUDART_VERSION, 80, AGON_CUDA_ARCH_LIST}, index);
  check(reason.empty(), ErrorKind::unsupported, "{}", reason);
  return std::make_shared<CudaBackend>(
      "cuda", std::make_shared<const Device>(Library::load(Runtime::nvidia), index, stream));
}

std::shared_ptr<Backend> make_simt_backend(void* stream) {
  using namespace device;
  return std::make_shared<CudaBackend>(
      "simt", std::make_shared<const Device>(Library::load(Runtime::simulated), 0, stream));
}

}  // namespace agon
