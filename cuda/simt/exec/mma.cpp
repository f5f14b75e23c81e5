#include <bit>
#include <cstdint>
#include <cstring>

#include "cuda/simt/count/access.h"
#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/collective.h"
#include "cuda/simt/vector/isa.h"

#define AGON_SIMT_FILE "cuda/simt/exec/mma.inl"
#include "cuda/simt/vector/foreach_isa.h"

namespace agon::simt {

namespace {

// ldmatrix: each eight lanes name the rows (16 bytes each) of one matrix of 8 x 8 elements of 16 bits; of
// each matrix a lane gets a pair of elements, as mma's fragments lie.
void load_matrices(Warp& w, const Step* s, const std::uint32_t*) {
  const Instruction& in = *s->in;
  Worker& worker = *w.worker;
  const std::uint32_t count = in.count;
  alignas(64) std::uint32_t offset[warp_lanes];
  for (int i = 0; i < warp_lanes; ++i) {
    const std::uint64_t address = (in.a == no_operand          ? 0
                                   : s->flags & flag_address32 ? lanes<std::uint32_t>(w, s->a)[i]
                                                               : lanes<std::uint64_t>(w, s->a)[i]) +
                                  static_cast<std::uint64_t>(std::int64_t{s->immediate});
    offset[i] = address >> 32 ? 0xfffffff0u : static_cast<std::uint32_t>(address);
  }
  const std::uint32_t naming = count == 4 ? all_lanes : (1u << (8 * count)) - 1;
  w.exec = naming;
  AccessPattern& pattern = worker.patterns[s->tally];
  const std::uint32_t mask = admit_shared(w, s, offset, 16, Access::read);
  if (worker.counting) {
    update_shared(pattern, offset, naming, 16);
    count_shared(worker, pattern);
  }
  w.exec = all_lanes;
  for (std::uint32_t m = 0; m < count; ++m) {
    alignas(64) std::uint16_t rows[8][8] = {};
    for (std::uint32_t row = 0; row < 8; ++row)
      if (mask >> (8 * m + row) & 1) std::memcpy(rows[row], w.block->shared + offset[8 * m + row], 16);
    std::uint32_t* d = lanes<std::uint32_t>(w, s->list[m]);
    for (std::uint32_t i = 0; i < warp_lanes; ++i) {
      const std::uint32_t g = i / 4, t = 2 * (i % 4);
      d[i] = in.flags & flag_trans ? rows[t][g] | std::uint32_t{rows[t + 1][g]} << 16
                                   : rows[g][t] | std::uint32_t{rows[g][t + 1]} << 16;
    }
  }
}

const Step* ldmatrix(Warp& w, const Step* s) {
  return collect_warp(w, s, load_matrices);
}

}  // namespace

Handler find_mma(const Instruction& in) {
  return in.op == Op::Ldmatrix ? ldmatrix : AGON_SIMT_BEST(find)(in);
}

}  // namespace agon::simt
