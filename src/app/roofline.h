#pragma once
#include "agon/program.h"

namespace agon::app {

/// What a device reaches at best, measured by programs of the engine itself.
struct Roofline {
  double bytes_per_s = 0;  ///< a large tensor read and written
  double flops_per_s = 0;  ///< a product of square matrices, in the precision asked for

  /// The least time that `flops` and `bytes` take.
  double seconds(double flops, double bytes) const;
};

Roofline measure_roofline(Backend& backend, Precision precision);

}  // namespace agon::app
