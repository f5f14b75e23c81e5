#include "backend/reference/program.h"
#include "backend/reference/reference.h"

namespace agon {
namespace {

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::unique_ptr<Store> make_store() override { return std::make_unique<reference::ReferenceStore>(); }
  std::unique_ptr<Program> compile(const Graph& graph, Store& store, const CompileOptions& options) override {
    auto* own = dynamic_cast<reference::ReferenceStore*>(&store);
    check(own != nullptr, ErrorKind::usage,
          "compile: the store was made by another backend than 'reference'");
    check(options.precision == Precision::f32, ErrorKind::unsupported,
          "reference: computes in f64 whatever is stored; use precision = \"f32\"");
    return std::make_unique<reference::ReferenceProgram>(graph, *own, options);
  }
};

}  // namespace

std::shared_ptr<Backend> make_reference_backend() {
  return std::make_shared<ReferenceBackend>();
}

}  // namespace agon
