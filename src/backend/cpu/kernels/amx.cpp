#include "backend/cpu/kernels/amx.h"

#include "backend/cpu/kernels/isa.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace agon::cpu {
namespace {

bool detect() {
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
  constexpr long request_permission = 0x1023, tile_data = 18;  // of arch_prctl
  return best_isa() == Isa::v4 && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace

bool has_amx() {
  static const bool has = detect();
  return has;
}

}  // namespace agon::cpu
