#pragma once
#include <string>
#include <utility>
#include <vector>

namespace agon {

/// What this build has of CUDA and what the machine offers, for `agon doctor`: (label, value) lines, and for
/// each mismatch a line with its cure. Asks the driver itself; loads no CUDA runtime.
struct CudaFacts {
  std::vector<std::pair<std::string, std::string>> lines;
  std::vector<std::string> problems;
};
CudaFacts cuda_facts();

}  // namespace agon
