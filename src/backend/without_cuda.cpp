#include "backend/cuda/cuda.h"
#include "backend/cuda/facts.h"

/// In place of backend/cuda where there was no CUDA toolkit to build with.
namespace agon {
namespace {

[[noreturn]] void no_library() {
  fail(
      ErrorKind::unsupported,
      "this build has no CUDA library; run tools/setup --cuda, configure with --preset cuda and build again, "
      "or use --device cpu");
}

}  // namespace

std::shared_ptr<Backend> make_cuda_backend(int, void*) {
  no_library();
}

std::shared_ptr<Backend> make_simt_backend(void*) {
  no_library();
}

CudaFacts cuda_facts() {
  return {{{"CUDA build", "none"}}, {"built without a CUDA toolkit: run tools/setup --cuda and build again"}};
}

}  // namespace agon
