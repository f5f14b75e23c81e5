// The instruction sets the executor is compiled for, and the one this processor runs best.
#pragma once

namespace agon::simt {

enum class Isa { base, v3, v4 };

// AVX-512 (v4), AVX2 (v3) or SSE2, by the processor; the environment variable AGON_SIMT_ISA (v4, v3, base)
// asks for a lower one.
Isa best_isa();

}  // namespace agon::simt

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
// The instance for this processor of a function that foreach_isa.h has compiled.
#define AGON_SIMT_BEST(...)                                          \
  (agon::simt::best_isa() == agon::simt::Isa::v4   ? v4::__VA_ARGS__ \
   : agon::simt::best_isa() == agon::simt::Isa::v3 ? v3::__VA_ARGS__ \
                                                   : base::__VA_ARGS__)
#else
#define AGON_SIMT_BEST(...) (base::__VA_ARGS__)
#endif

#define AGON_SIMT_INLINE inline __attribute__((always_inline))
// The same for a lambda, after its parameters.
#define AGON_SIMT_LAMBDA __attribute__((always_inline))
