#include <array>
#include <charconv>

#include "agon/cuda.h"
#include "agon/program.h"

#include "backend/cpu/cpu.h"
#include "backend/cuda/cuda.h"
#include "backend/reference/reference.h"

namespace agon {
namespace {

struct Entry {
  std::string_view name;
  std::shared_ptr<Backend> (*open)(int device, void* stream);
  bool has_streams;
};

constexpr std::array backends{
    Entry{"cpu", [](int, void*) { return make_cpu_backend(); }, false},
    Entry{"reference", [](int, void*) { return make_reference_backend(); }, false},
    Entry{"cuda", make_cuda_backend, true},
    Entry{"simt", [](int, void* stream) { return make_simt_backend(stream); }, true},
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

std::shared_ptr<Backend> open(std::string_view name, void* stream) {
  std::string_view kind = name;
  const int device = take_device(kind);
  for (const Entry& entry : backends) {
    if (entry.name != kind) continue;
    check(stream == nullptr || entry.has_streams, ErrorKind::usage, "the backend '{}' has no streams", name);
    return entry.open(device, stream);
  }
  fail(ErrorKind::usage, "there is no backend '{}'; use one of {}", name, fmt::join(backend_names(), ", "));
}

}  // namespace

std::shared_ptr<Backend> open_backend(std::string_view name) {
  return open(name, nullptr);
}

std::shared_ptr<Backend> open_backend_on_stream(std::string_view name, void* stream) {
  // Null is a stream as well, the default one: cudaStreamLegacy.
  return open(name, stream != nullptr ? stream : reinterpret_cast<void*>(uintptr_t{1}));
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const Entry& entry : backends) names.emplace_back(entry.name);
  return names;
}

}  // namespace agon
