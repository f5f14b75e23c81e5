#include <cstdint>
#include <type_traits>

#include "cuda/simt/exec.h"
#include "cuda/simt/isa.h"

#define AGON_SIMT_FILE "exec_bits.inl"
#include "foreach_isa.h"

namespace agon::simt {
Handler find_bits(const Instruction& in) {
  return AGON_SIMT_BEST(find)(in);
}
}  // namespace agon::simt
