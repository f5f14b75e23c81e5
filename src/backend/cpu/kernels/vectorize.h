#pragma once
#include "backend/cpu/kernels/isa.h"

namespace agon::cpu {

// Everything that a body calls is inlined into each copy, hence compiled for that copy's instruction set.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
template <class Body>
[[gnu::target("arch=x86-64-v4,prefer-vector-width=512"), gnu::flatten, gnu::noinline]] void vectorize_v4(
    const Body& body) {
  body();
}

template <class Body>
[[gnu::target("arch=x86-64-v3"), gnu::flatten, gnu::noinline]] void vectorize_v3(const Body& body) {
  body();
}

template <class Body>
[[gnu::flatten, gnu::noinline]] void vectorize_base(const Body& body) {
  body();
}

/// Runs body(), a lambda around one loop nest, compiled for the best instruction set of this processor.
/// Loops whose arrays may alias exactly need `#pragma GCC ivdep`. No OpenMP inside: vectorize within a
/// thread.
template <class Body>
inline void vectorize(const Body& body) {
  switch (best_isa()) {
    case Isa::v4:
      return vectorize_v4(body);
    case Isa::v3:
      return vectorize_v3(body);
    case Isa::base:
      return vectorize_base(body);
  }
}
#else
template <class Body>
inline void vectorize(const Body& body) {
  body();
}
#endif

}  // namespace agon::cpu
