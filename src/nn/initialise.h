#pragma once
#include <cstdint>
#include <string_view>

#include "agon/network.h"
#include "agon/tensor.h"

namespace agon::nn {

/// Checks the text of an initialiser. Throws Error(usage) with the nearest name; `where` begins the message.
void check_initialiser(std::string_view init, std::string_view where);

/// The initial value of a parameter, f32, in its graph shape. Draws are keyed by (seed, `key`), so that they
/// depend on neither order nor other parameters. Laws: normal(mean, std), uniform(lo, hi), constant(c),
/// zeros, ones, xavier_uniform, xavier_normal (Glorot and Bengio, AISTATS 2010), kaiming_uniform,
/// kaiming_normal (He et al., ICCV 2015; fan in, gain sqrt 2), pytorch (the default of torch.nn layers:
/// uniform in +-1/sqrt(fan in)), unit (a random direction of length 1).
Tensor initial_value(const Parameter& parameter, std::string_view key, uint64_t seed);

}  // namespace agon::nn
