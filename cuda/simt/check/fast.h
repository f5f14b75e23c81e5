// The common accesses of a warp, checked with a few vector operations: every word there and written, last
// written before a barrier or by the same thread, and nobody else's read in the way. Each function returns
// true when all is well and the shadow is up to date; false leaves the verdict to the word-by-word check.
#pragma once

#include <cstdint>

namespace agon::simt::fast {

// The shadow of a space, as a warp at its place in time sees it.
struct View {
  std::uint8_t* state = nullptr;
  std::uint32_t* write = nullptr;
  std::uint32_t* read = nullptr;
  std::uint32_t* write_pc = nullptr;
  std::uint32_t* write_serial = nullptr;  // null: shared memory, all cells are of this block
  std::uint32_t* read_serial = nullptr;
  std::uint64_t base = 0;   // address of word 0
  std::uint64_t bytes = 0;  // of the space
  // Serials of this block, of the launch's first one and of "many".
  std::uint32_t serial = 0, first = 0, many = 0;
  // Those of other operations are long ago, but for these: from `floor` on, so many.
  std::uint32_t floor = 0, unordered = 0;
  bool long_ago(std::uint32_t of) const { return of < first && of - floor >= unordered; }
  std::uint32_t barrier_floor = 0;  // cells of this block below are before everything now,
  std::uint32_t warp_floor = 0;     // those of this warp below are before what the warp does now
  std::uint32_t now = 0;            // a cell of now, of all bytes and thread 0
  std::uint32_t thread0 = 0;        // of the warp's lane 0
  std::uint32_t pc = 0;
};

enum class Mode { read, write, matrix_read };

// `bytes` a lane: 4, 8 or 16. `lanes` is not 0.
struct Functions {
  bool (*shared)(const View& view, Mode mode, std::uint32_t lanes, const std::uint32_t* offsets,
                 std::uint32_t bytes);
  bool (*global)(const View& view, Mode mode, std::uint32_t lanes, const std::uint64_t* addresses,
                 std::uint32_t bytes);
};

// For this processor. `scalar` takes the plain ones.
const Functions& functions(bool scalar = false);
extern const Functions scalar_functions;
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define AGON_SIMT_AVX512_CHECKS
extern const Functions avx512_functions;
#endif

}  // namespace agon::simt::fast
