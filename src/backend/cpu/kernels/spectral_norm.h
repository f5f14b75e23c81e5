#pragma once
#include <cstddef>
#include <cstdint>

namespace agon::cpu {

/// One power iteration on w [rows, columns]; see the graph's spectral_norm. Reads w three times, sums in
/// blocks of f32 that are added up in f64, and does not depend on the number of threads. new_u may be u.
struct SpectralNormKernel {
  int64_t rows = 0, columns = 0;
  double eps = 1e-12;
  bool iterate = true;

  size_t scratch_bytes() const { return static_cast<size_t>(rows + columns) * sizeof(double); }
  void run(const float* w, const float* u, float* y, float* sigma, float* new_u, float* v,
           void* scratch) const;
};

}  // namespace agon::cpu
