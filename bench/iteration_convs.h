#pragma once
#include <string>
#include <vector>

#include "agon/config.h"

#include "conv_problem.h"

namespace agon::bench {

/// One pass of a convolution, and how often a training iteration runs it.
struct ConvUse {
  std::string name;  ///< where it stands first, e.g. "D.real/main.2"
  ConvProblem problem;
  ConvPass pass = ConvPass::forward;
  int count = 0;
};

/// The convolutions of one iteration of the config's game, after merging equal ones and dropping dead ones as
/// compile does; layers that mirror each other count as one. Throws Error(unsupported) for groups and
/// dilation.
std::vector<ConvUse> iteration_convs(const Config& config, int64_t batch);

}  // namespace agon::bench
