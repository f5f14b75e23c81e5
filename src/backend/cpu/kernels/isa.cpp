#include "backend/cpu/kernels/isa.h"

#include <cstdlib>
#include <string_view>

namespace agon::cpu {
namespace {

Isa detect() {
  const char* limit_text = std::getenv("AGON_MAX_ISA");
  const std::string_view limit = limit_text == nullptr ? "" : limit_text;
  if (limit == "base") return Isa::base;
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const bool v3 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (v4 && limit != "v3") return Isa::v4;
  if (v3) return Isa::v3;
#endif
  return Isa::base;
}

}  // namespace

Isa best_isa() {
  static const Isa isa = detect();
  return isa;
}

}  // namespace agon::cpu
