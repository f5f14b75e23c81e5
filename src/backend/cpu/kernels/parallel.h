#pragma once
#include <cstdint>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace agon::cpu {

/// No more threads are used than this, so that sums per thread fit fixed arrays.
constexpr int most_threads = 256;

inline int max_threads() {
#ifdef _OPENMP
  return omp_get_max_threads() < most_threads ? omp_get_max_threads() : most_threads;
#else
  return 1;
#endif
}

/// Cuts [0, count) into one range per thread, at multiples of `grain`, and calls body(begin, end, part) for
/// each. The cuts depend on count, grain and max_threads() alone, so that sums kept per part and added in the
/// order of parts are repeatable. Returns the number of parts (1 where count <= grain).
template <class Body>
int parallel_ranges(int64_t count, int64_t grain, const Body& body) {
  const int64_t grains = (count + grain - 1) / grain;
  const int parts = static_cast<int>(grains < max_threads() ? (grains < 1 ? 1 : grains) : max_threads());
  if (parts == 1) {
    body(int64_t{0}, count, 0);
    return 1;
  }
  const auto cut = [&](int part) {
    const int64_t at = grains * part / parts * grain;
    return at < count ? at : count;
  };
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(parts)
#endif
  for (int part = 0; part < parts; ++part) body(cut(part), cut(part + 1), part);
  return parts;
}

}  // namespace agon::cpu
