#include <array>
#include <charconv>

#include "agon/program.h"

#include "backend/cpu/cpu.h"
#include "backend/cuda/cuda.h"
#include "backend/reference/reference.h"

namespace agon {
namespace {

struct Entry {
  std::string_view name;
  std::shared_ptr<Backend> (*open)(int device);
};

constexpr std::array backends{
    Entry{"cpu", [](int) { return make_cpu_backend(); }},
    Entry{"reference", [](int) { return make_reference_backend(); }},
    Entry{"cuda", make_cuda_backend},
    Entry{"simt", [](int) { return make_simt_backend(); }},
};

/// The N of "cuda:N"; 0 for any other name, which `name` then still is in full.
int take_device(std::string_view& name) {
  static constexpr std::string_view prefix = "cuda:";
  int device = 0;
  if (!name.starts_with(prefix)) return 0;
  const char *first = name.data() + prefix.size(), *last = name.data() + name.size();
  const auto [end, error] = std::from_chars(first, last, device);
  if (error == std::errc() && end == last && device >= 0) name = "cuda";
  return device;
}

}  // namespace

std::shared_ptr<Backend> open_backend(std::string_view name) {
  std::string_view kind = name;
  const int device = take_device(kind);
  for (const Entry& entry : backends)
    if (entry.name == kind) return entry.open(device);
  fail(ErrorKind::usage, "there is no backend '{}'; use one of {}", name, fmt::join(backend_names(), ", "));
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const Entry& entry : backends) names.emplace_back(entry.name);
  return names;
}

}  // namespace agon
