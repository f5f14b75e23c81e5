#include "cuda/simt/check/fast.h"

#include "cuda/simt/check/cells.h"
#include "cuda/simt/vector/isa.h"

namespace agon::simt::fast {
namespace {

using namespace cells;

// One word of one lane, the same rules as the vector code.
inline bool touch(const View& view, Mode mode, std::uint64_t word, std::uint32_t thread) {
  const std::uint8_t state = view.state[word];
  const Cell write = view.write[word];
  bool ordered = write < view.barrier_floor ||
                 (((write ^ view.thread0) & (warp_bits_mask | kind_mask)) == 0 && write < view.warp_floor);
  if (mode != Mode::matrix_read) ordered |= (write & owner_mask) == thread;
  if (view.write_serial) {
    const std::uint32_t serial = view.write_serial[word];
    ordered = view.long_ago(serial) || (serial == view.serial && ordered);
  }
  if (!ordered) return false;
  const Cell read = view.read[word];
  Cell cell = view.now | thread;
  bool old = read < view.barrier_floor;
  bool ours = true;
  if (view.read_serial) {
    const std::uint32_t serial = view.read_serial[word];
    ours = serial == view.serial;
    old = view.long_ago(serial) || (ours && old);
  }
  // Reads of this warp alone before its lanes met.
  old |=
      ours && ((read ^ view.thread0) & warp_bits_mask) == 0 && !(read & many_warps) && read < view.warp_floor;
  if (mode == Mode::write) {
    if ((state & state_exists) != state_exists) return false;
    const bool own = ours && (read & owner_mask) == thread;
    if (!old && !own) return false;
    view.state[word] = state_written;
    view.write_pc[word] = view.pc;
    view.write[word] = cell;
    if (view.write_serial) view.write_serial[word] = view.serial;
    return true;
  }
  if (state != state_written) return false;
  if (mode == Mode::matrix_read) cell |= many_lanes;
  std::uint32_t serial = view.serial;
  if (!old && ours) {
    cell = join_reads(read, cell);
  } else if (!old) {
    const std::uint32_t other = view.read_serial[word];
    if (other < view.first || other > view.many) return false;
    serial = view.many;
  }
  view.read[word] = cell;
  if (view.read_serial) view.read_serial[word] = serial;
  return true;
}

template <class Address>
bool access(const View& view, Mode mode, std::uint32_t lanes, const Address* addresses, std::uint32_t bytes) {
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if (!(lanes >> lane & 1)) continue;
    const std::uint64_t offset = addresses[lane] - view.base;
    if (offset % bytes != 0 || offset > view.bytes - bytes || view.bytes < bytes) return false;
    for (std::uint32_t i = 0; i < bytes / 4; ++i) {
      // Two lanes that write one word: the second does not find the cell its own.
      if (!touch(view, mode, offset / 4 + i, view.thread0 + lane)) return false;
    }
  }
  return true;
}

}  // namespace

const Functions scalar_functions = {access<std::uint32_t>, access<std::uint64_t>};

const Functions& functions([[maybe_unused]] bool scalar) {
#ifdef AGON_SIMT_AVX512_CHECKS
  if (!scalar && best_isa() == Isa::v4) return avx512_functions;
#endif
  return scalar_functions;
}

}  // namespace agon::simt::fast
