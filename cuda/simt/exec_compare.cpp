#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cuda/simt/exec.h"
#include "cuda/simt/isa.h"

#define AGON_SIMT_FILE "exec_compare.inl"
#include "foreach_isa.h"

namespace agon::simt {
Handler find_compare(const Instruction& in) {
  return AGON_SIMT_BEST(find)(in);
}
}  // namespace agon::simt
