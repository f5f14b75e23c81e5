#include <array>

#include "agon/program.h"

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"

namespace agon {
namespace {

std::shared_ptr<Backend> without_cuda_library() {
  fail(
      ErrorKind::unsupported,
      "this build has no CUDA library; run tools/setup --cuda, configure with --preset cuda and build again, "
      "or use the backend cpu");
}

struct Entry {
  std::string_view name;
  std::shared_ptr<Backend> (*open)();
};

constexpr std::array backends{
    Entry{"cpu", make_cpu_backend},
    Entry{"reference", make_reference_backend},
    Entry{"cuda", without_cuda_library},
    Entry{"simt", without_cuda_library},
};

}  // namespace

std::shared_ptr<Backend> open_backend(std::string_view name) {
  for (const Entry& entry : backends)
    if (entry.name == name) return entry.open();
  fail(ErrorKind::usage, "there is no backend '{}'; use one of {}", name, fmt::join(backend_names(), ", "));
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const Entry& entry : backends) names.emplace_back(entry.name);
  return names;
}

}  // namespace agon
