// The shared library that takes the CUDA runtime's place, seen from outside.
#include <cstdio>
#include <dlfcn.h>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "catch.h"
#include "cuda/simt/simt.h"

namespace {

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
  REQUIRE(pclose(pipe) == 0);
  return text;
}

// Names with their version: "cudaMalloc@@libcudart.so.13".
std::set<std::string> exports_of(const std::string& library) {
  std::set<std::string> names;
  const std::string text = output_of("nm -D --defined-only '" + library + "'");
  std::istringstream lines(text);
  for (std::string address, kind, name; lines >> address >> kind >> name;) {
    if (kind == "T" || kind == "W") names.insert(name);
  }
  return names;
}

}  // namespace

// Broken: a program linked to the real runtime would not start on the simulated one, or would find a symbol
// of another version.
TEST_CASE("the library exports every symbol of the real runtime, by name and version, and little else",
          "[simt][api][library]") {
  std::set<std::string> ours = exports_of(AGON_SIMT_LIBRARY), real = exports_of(AGON_CUDART);
  CHECK(real.size() > 300);
  for (const std::string& name : real) {
    INFO(name);
    CHECK(ours.erase(name) == 1);
  }
  for (const std::string& name : ours) {
    INFO(name);
    CHECK((name.rfind("agon_simt_", 0) == 0 || name.rfind("cuda", 0) == 0 || name.rfind("__cuda", 0) == 0));
  }
  CHECK(output_of("readelf -d " AGON_SIMT_LIBRARY).find("soname: [libcudart.so.") != std::string::npos);
}

// Broken: an engine that loads the library at run time could not, or would reach the symbols of another.
TEST_CASE("the library loads on its own and answers", "[simt][api][library]") {
  void* library = dlopen(AGON_SIMT_LIBRARY, RTLD_LOCAL | RTLD_NOW);
  INFO((library ? "" : dlerror()));
  REQUIRE(library != nullptr);
  const auto version = reinterpret_cast<int (*)()>(dlsym(library, "agon_simt_version"));
  REQUIRE(version != nullptr);
  CHECK(version() == AGON_SIMT_VERSION);
  void* allocate = dlsym(library, "cudaMalloc");
  Dl_info info = {};
  REQUIRE(dladdr(allocate, &info) != 0);
  CHECK(std::filesystem::equivalent(info.dli_fname, AGON_SIMT_LIBRARY));
  void* pointer = nullptr;
  REQUIRE(reinterpret_cast<int (*)(void**, std::size_t)>(allocate)(&pointer, 64) == 0);
  CHECK(reinterpret_cast<int (*)(void*)>(dlsym(library, "cudaFree"))(pointer) == 0);
  dlclose(library);
}

// Broken: a mistyped setting would end the program while it loads, or be passed over.
TEST_CASE("every call answers with what is wrong in the environment's settings", "[simt][api][library]") {
  const std::string answer =
      output_of("AGON_SIMT_ARCH=sm_99 " AGON_TEST_PROGRAM " 'saxpy runs' 2>&1 || true");
  CHECK(answer.find("terminate called") == std::string::npos);
  CHECK(answer.find("FAILED") != std::string::npos);
}
