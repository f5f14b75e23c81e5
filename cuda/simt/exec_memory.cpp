#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cuda/simt/access.h"
#include "cuda/simt/exec.h"
#include "cuda/simt/isa.h"

#define AGON_SIMT_FILE "exec_memory.inl"
#include "foreach_isa.h"

namespace agon::simt {
Handler find_memory(const Instruction& in) {
  return AGON_SIMT_BEST(find)(in);
}
}  // namespace agon::simt
