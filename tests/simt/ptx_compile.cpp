#include "ptx_compile.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace ptx_test {
namespace {

std::string run_nvcc(const std::string& source, const std::string& options, const char* result) {
  namespace fs = std::filesystem;
  static int count = 0;
  const fs::path dir =
      fs::temp_directory_path() / ("agon_ptx_" + std::to_string(getpid()) + "_" + std::to_string(count++));
  fs::create_directory(dir);
  std::ofstream(dir / "source.cu") << source;
  const std::string command = std::string("cd ") + dir.string() + " && " + AGON_NVCC +
                              " -std=c++20 -lineinfo " + options + " source.cu -o " + result + " > log 2>&1";
  std::string bytes;
  if (std::system(command.c_str()) == 0) {
    std::ifstream file(dir / result, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    bytes = text.str();
  }
  fs::remove_all(dir);
  return bytes;
}

}  // namespace

std::string compile(const std::string& source, const std::string& options) {
  return run_nvcc(source, "-arch=compute_80 -ptx " + options, "out.ptx");
}

std::string fatbin(const std::string& source, const std::string& options) {
  return run_nvcc(source, "-fatbin " + options, "out.fatbin");
}

}  // namespace ptx_test
