#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/vector/isa.h"

#define AGON_SIMT_FILE "cuda/simt/exec/float.inl"
#include "cuda/simt/vector/foreach_isa.h"

namespace agon::simt {
Handler find_float(const Instruction& in) {
  return AGON_SIMT_BEST(find)(in);
}
}  // namespace agon::simt
