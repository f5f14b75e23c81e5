#pragma once

namespace agon::cpu {

/// Instruction sets that kernels are compiled for: SSE2 (or whatever the platform's base is), AVX2 + FMA,
/// AVX-512 (F, BW, DQ, VL); the names are those of the x86-64 micro-architecture levels.
enum class Isa { base, v3, v4 };

/// The best one that this processor has; the environment variable AGON_MAX_ISA=base|v3 lowers it.
Isa best_isa();

}  // namespace agon::cpu

/// The best instance of a function that a file included by foreach_isa.h defines.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define AGON_BEST(...)                                             \
  (agon::cpu::best_isa() == agon::cpu::Isa::v4   ? v4::__VA_ARGS__ \
   : agon::cpu::best_isa() == agon::cpu::Isa::v3 ? v3::__VA_ARGS__ \
                                                 : base::__VA_ARGS__)
#else
#define AGON_BEST(...) (base::__VA_ARGS__)
#endif

#define AGON_INLINE inline __attribute__((always_inline))
/// The same for a lambda, after its parameters.
#define AGON_LAMBDA __attribute__((always_inline))
