#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/vector/isa.h"

#define AGON_SIMT_FILE "cuda/simt/exec/compare.inl"
#include "cuda/simt/vector/foreach_isa.h"

namespace agon::simt {
Handler find_compare(const Instruction& in) {
  return AGON_SIMT_BEST(find)(in);
}
}  // namespace agon::simt
