#include "cuda/simt/vector/isa.h"

#include <cstdlib>
#include <string_view>

namespace agon::simt {

namespace {

Isa detect() {
#if defined(__x86_64__) && defined(__GNUC__)
  const char* asked = std::getenv("AGON_SIMT_ISA");
  const std::string_view limit = asked ? asked : "v4";
  __builtin_cpu_init();
  const bool v3 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512cd");
  if (v4 && limit == "v4") return Isa::v4;
  if (v3 && limit != "base") return Isa::v3;
#endif
  return Isa::base;
}

}  // namespace

Isa best_isa() {
  static const Isa isa = detect();
  return isa;
}

}  // namespace agon::simt
