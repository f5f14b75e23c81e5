#pragma once
#include <string>

/// Runs nvcc on CUDA source, for tests of what it emits. Empty where nvcc cannot run.
namespace ptx_test {

/// PTX for compute_80, with line information.
std::string compile(const std::string& source, const std::string& options = "");
/// The bytes of a fat binary ("--no-compress" and others as `options`).
std::string fatbin(const std::string& source, const std::string& options);

}  // namespace ptx_test
