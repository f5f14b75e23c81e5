#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cuda/simt/count/access.h"
#include "cuda/simt/exec/exec.h"
#include "cuda/simt/vector/isa.h"

#define AGON_SIMT_FILE "cuda/simt/exec/memory.inl"
#include "cuda/simt/vector/foreach_isa.h"

namespace agon::simt {
Handler find_memory(const Instruction& in) {
  return AGON_SIMT_BEST(find)(in);
}
}  // namespace agon::simt
