#include "backend/cuda/library.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <mutex>

#include "agon/error.h"

namespace agon::device {
namespace {

namespace fs = std::filesystem;

const std::string library_name = "libagon_cuda.so";
const std::string runtime_name = fmt::format("libcudart.so.{}", CUDART_VERSION / 1000);

std::string canonical(const std::string& path) {
  std::error_code error;
  const fs::path result = fs::canonical(path, error);
  return error ? path : result.string();
}

/// The file of the CUDA runtime that `handle` sees, or empty.
std::string runtime_of(void* handle) {
  void* address = ::dlsym(handle, "cudaMalloc");
  Dl_info info{};
  return address != nullptr && ::dladdr(address, &info) != 0 ? canonical(info.dli_fname) : std::string();
}

/// Throws if the CUDA runtime that is in the process already is not the one wanted.
void check_resident(Runtime wanted) {
  void* handle = ::dlopen(runtime_name.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_LOCAL);
  if (handle == nullptr) return;
  const bool simulated = Simulator(handle).present();
  const std::string path = runtime_of(handle);
  ::dlclose(handle);
  if (wanted == Runtime::simulated)
    check(simulated, ErrorKind::unsupported,
          "a real CUDA runtime ({}) is in this process already, and the simulated device would not be used; "
          "run "
          "simt in a process of its own, or use --device cpu",
          path);
  else
    check(!simulated, ErrorKind::unsupported,
          "the simulated device is in this process already; run cuda in a process of its own, or use "
          "--device cpu");
}

std::string find(const std::string& file) {
  for (const std::string& folder : library_folders())
    if (std::error_code error; fs::exists(fs::path(folder) / file, error))
      return (fs::path(folder) / file).string();
  fail(ErrorKind::unsupported,
       "{} is in none of {}; build with a CUDA toolkit (tools/setup --cuda), set AGON_LIBRARY_DIR to its "
       "folder, or "
       "use --device cpu",
       file, fmt::join(library_folders(), ", "));
}

void* open_file(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const char* why = handle == nullptr ? ::dlerror() : "";
  check(handle != nullptr, ErrorKind::unsupported, "{} cannot be loaded: {}; use --device cpu", path, why);
  return handle;
}

}  // namespace

std::vector<std::string> library_folders() {
  std::vector<std::string> folders;
  if (const char* given = std::getenv("AGON_LIBRARY_DIR")) folders.emplace_back(given);
  // A program that links the static library is itself where this function lives.
  Dl_info info{};
  fs::path here;
  if (::dladdr(reinterpret_cast<void*>(&library_folders), &info) != 0)
    here = fs::path(canonical(info.dli_fname)).parent_path();
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& folder : {program, here}) {
    if (folder.empty()) continue;
    for (const fs::path& place : {folder, folder.parent_path() / "lib"})
      if (std::ranges::find(folders, place.string()) == folders.end()) folders.push_back(place.string());
  }
  return folders;
}

std::shared_ptr<const Library> Library::load(Runtime runtime) {
  static std::mutex mutex;  // two threads must not race to be first
  const std::scoped_lock lock(mutex);
  const std::string path = find(library_name);
  const std::string simulator = runtime == Runtime::simulated ? find("simt/" + runtime_name) : "";
  check_resident(runtime);
  if (!simulator.empty()) open_file(simulator);
  void* handle = open_file(path);
  // Whichever runtime came first wins silently, so this looks.
  const Simulator serving(handle);
  if (runtime == Runtime::simulated)
    check(serving.present(), ErrorKind::unsupported,
          "the CUDA library is served by {} instead of the simulated device; run simt in a process of its "
          "own, or "
          "use --device cpu",
          runtime_of(handle));
  else
    check(!serving.present(), ErrorKind::unsupported,
          "the CUDA library is served by the simulated device; unset LD_LIBRARY_PATH, or use --device cpu");
  const auto entry = reinterpret_cast<agon_cuda_entry_type>(::dlsym(handle, "agon_cuda_entry"));
  const agon_cuda_table* table = entry != nullptr ? entry(AGON_CUDA_ABI) : nullptr;
  check(table != nullptr, ErrorKind::unsupported,
        "{} is of another version of Agon; install both from one build, or use --device cpu", path);
  return std::shared_ptr<const Library>(new Library(table, serving));
}

}  // namespace agon::device
