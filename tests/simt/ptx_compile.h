#pragma once
#include <string>

/// Runs nvcc on CUDA source, for tests of what it emits. Empty where nvcc cannot run.
namespace ptx_test {

/// PTX for compute_80, with line information.
std::string compile(const std::string& source, const std::string& options = "");
/// The bytes of a fat binary ("--no-compress" and others as `options`).
std::string fatbin(const std::string& source, const std::string& options);

/// What PTX text begins with.
constexpr const char* preamble = ".version 9.0\n.target sm_80\n.address_size 64\n";

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace ptx_test
