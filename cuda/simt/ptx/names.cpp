#include "cuda/simt/ptx/names.h"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace agon::simt::ptx {

std::string readable_name(std::string_view mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(std::string(mangled).c_str(), nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 ? text.get() : std::string(mangled);
  // nvcc qualifies functions of internal linkage by their file.
  if (name.starts_with("_INTERNAL_"))
    if (const size_t end = name.find("::"); end != std::string::npos) name.erase(0, end + 2);
  // A template's name carries its return type; parameters follow the last parenthesis at depth 0.
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0 && i > 0 && !name.substr(i).starts_with("(anonymous namespace)"))
      return name.substr(0, i);
  }
  return name;
}

}  // namespace agon::simt::ptx
