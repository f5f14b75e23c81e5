// The shadow of one 4-byte word. Two cells of 32 bits name the last write and the last reads of it within a
// block's run:
//
//   | tick 16 | bytes 4 | kind or many 2 | thread 10 |
//
// A tick is the block's clock: barriers, warp barriers and fences advance it. Cell 0 is "long ago": before
// everything. In global memory a serial number beside the cell names the block of the launch it speaks of.
#pragma once

#include <cstdint>

namespace agon::simt::cells {

using Cell = std::uint32_t;

inline constexpr std::uint32_t thread_bits = 10;
inline constexpr std::uint32_t thread_mask = 0x3ff;
inline constexpr std::uint32_t warp_bits_mask = 0x3e0;
inline constexpr std::uint32_t kind_shift = 10;
inline constexpr std::uint32_t kind_mask = 0xc00;
inline constexpr std::uint32_t owner_mask = thread_mask | kind_mask;
inline constexpr std::uint32_t bytes_shift = 12;
inline constexpr std::uint32_t all_bytes = 0xf000;
inline constexpr std::uint32_t tick_shift = 16;
inline constexpr std::uint32_t max_tick = 0xfffe;
inline constexpr std::uint32_t pending_tick = 0xffff;  // never ordered before anything

// Of a write.
enum Kind : std::uint32_t { plain = 0, atomic = 1, strong = 2, pending = 3 };
// Of reads: other lanes of the same warp, or threads of other warps, have read it too since.
inline constexpr Cell many_lanes = 1u << kind_shift;
inline constexpr Cell many_warps = 2u << kind_shift;

constexpr std::uint32_t tick(Cell cell) {
  return cell >> tick_shift;
}
constexpr std::uint32_t thread(Cell cell) {
  return cell & thread_mask;
}
constexpr std::uint32_t warp(Cell cell) {
  return (cell & thread_mask) >> 5;
}
constexpr Kind kind(Cell cell) {
  return static_cast<Kind>((cell & kind_mask) >> kind_shift);
}
constexpr std::uint32_t bytes(Cell cell) {
  return (cell & all_bytes) >> bytes_shift;
}
constexpr Cell pack(std::uint32_t tick, std::uint32_t bytes, std::uint32_t kind, std::uint32_t thread) {
  return tick << tick_shift | bytes << bytes_shift | kind << kind_shift | thread;
}

// The state of a word: which of its bytes exist (high half) and which are written (low half).
inline constexpr std::uint8_t state_exists = 0xf0;
inline constexpr std::uint8_t state_written = 0xff;

// Joins a new read into the reads so far, none of which is ordered before it. A cell cannot tell which of
// several threads read which byte: it keeps those bytes that all of them read; of threads that read different
// parts of the word, the newest alone.
constexpr Cell join_reads(Cell old, Cell read) {
  const bool same = thread(old) == thread(read) && !(old & kind_mask);
  if (!same && (old & read & all_bytes) == 0) return read;
  Cell joined = same ? read | (old & all_bytes) : (read & (old | ~all_bytes)) | (old & kind_mask);
  if (thread(old) != thread(read)) joined |= many_lanes;
  if (warp(old) != warp(read)) joined |= many_warps;
  return joined;
}

}  // namespace agon::simt::cells
