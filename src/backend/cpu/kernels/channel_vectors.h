#pragma once

namespace agon::cpu {

/// Per-channel constants of a pass of batch_norm.inc; what a pass does not use is null or zeros.
struct ChannelVectors {
  const float *mean, *scale, *beta;
  const float *inv_std = nullptr, *mean_g = nullptr, *slope = nullptr;
};

}  // namespace agon::cpu
