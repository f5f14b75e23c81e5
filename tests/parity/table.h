#pragma once
#include <string>
#include <vector>

namespace agon::parity {

/// One line of the table that every backend must agree with `reference` on, forward and in its first and
/// second derivative.
struct ParityCase {
  std::string line;         ///< see cases::Descriptor
  double tolerance = 1e-5;  ///< max|difference| / max|reference| of each tensor in f32
  bool may_lack = false;    ///< a backend may answer Error(unsupported)
  double bf16_tolerance = 2e-2;
};

std::vector<ParityCase> elementwise_table();
std::vector<ParityCase> shape_table();
std::vector<ParityCase> contraction_table();
std::vector<ParityCase> window_table();
std::vector<ParityCase> norm_table();
std::vector<ParityCase> loss_table();
std::vector<ParityCase> fusion_table();

/// All of them.
const std::vector<ParityCase>& table();

}  // namespace agon::parity
