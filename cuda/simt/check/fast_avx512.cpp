// check_fast.h over 512-bit vectors: 16 words at a time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd")
#include <cstdint>
// GCC's own header reads an undefined vector on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include "cuda/simt/check/cells.h"
#include "cuda/simt/check/fast.h"

namespace agon::simt::fast {
namespace {

using namespace cells;
using Vector = __m512i;

inline Vector splat(std::uint32_t value) {
  return _mm512_set1_epi32(static_cast<int>(value));
}
inline Vector iota() {
  return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}
inline __mmask16 below(Vector a, std::uint32_t b) {
  return _mm512_cmplt_epu32_mask(a, splat(b));
}
inline __mmask16 equal(Vector a, Vector b) {
  return _mm512_cmpeq_epi32_mask(a, b);
}

// The words of 16 lanes: side by side, or anywhere.
struct Row {
  std::int64_t word;
  Vector load(const std::uint32_t* array, __mmask16) const { return _mm512_loadu_si512(array + word); }
  void store(std::uint32_t* array, __mmask16 on, Vector value) const {
    _mm512_mask_storeu_epi32(array + word, on, value);
  }
  __mmask16 state_is(const std::uint8_t* state, std::uint8_t bits, __mmask16) const {
    const __m128i have = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + word));
    const __m128i want = _mm_set1_epi8(static_cast<char>(bits));
    return _mm_cmpeq_epi8_mask(_mm_and_si128(have, want), want);
  }
  void set_written(std::uint8_t* state, __mmask16 on) const {
    _mm_mask_storeu_epi8(state + word, on, _mm_set1_epi8(static_cast<char>(state_written)));
  }
  static constexpr bool distinct = true;
};

struct Scattered {
  Vector words;  // signed, relative to the arrays given
  Vector load(const std::uint32_t* array, __mmask16 on) const {
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), on, words, array, 4);
  }
  void store(std::uint32_t* array, __mmask16 on, Vector value) const {
    _mm512_mask_i32scatter_epi32(array, on, words, value, 4);
  }
  __mmask16 state_is(const std::uint8_t* state, std::uint8_t bits, __mmask16 on) const {
    const Vector have = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), on, words, state, 1);
    return equal(_mm512_and_si512(have, splat(bits)), splat(bits));
  }
  void set_written(std::uint8_t* state, __mmask16 on) const {
    alignas(64) std::int32_t at[16];
    _mm512_store_si512(at, words);
    for (unsigned rest = on; rest; rest &= rest - 1) state[at[__builtin_ctz(rest)]] = state_written;
  }
  static constexpr bool distinct = false;
};

inline __mmask16 long_ago(const View& view, Vector serial) {
  return below(serial, view.first) & ~below(_mm512_sub_epi32(serial, splat(view.floor)), view.unordered);
}

template <Mode mode, bool global, class Words>
inline bool touch(const View& view, const Words& words, __mmask16 on, Vector thread) {
  const std::uint8_t state_bits = mode == Mode::write ? state_exists : state_written;
  if ((words.state_is(view.state, state_bits, on) & on) != on) return false;

  const Vector write = words.load(view.write, on);
  const Vector apart = _mm512_xor_si512(write, splat(view.thread0));
  __mmask16 ordered =
      below(write, view.barrier_floor) |
      (_mm512_testn_epi32_mask(apart, splat(warp_bits_mask | kind_mask)) & below(write, view.warp_floor));
  if constexpr (mode != Mode::matrix_read)
    ordered |= equal(_mm512_and_si512(write, splat(owner_mask)), thread);
  if constexpr (global) {
    const Vector serial = words.load(view.write_serial, on);
    ordered = long_ago(view, serial) | (equal(serial, splat(view.serial)) & ordered);
  }
  if ((ordered & on) != on) return false;

  const Vector read = words.load(view.read, on);
  Vector cell = _mm512_or_si512(splat(view.now), thread);
  __mmask16 old = below(read, view.barrier_floor), ours = 0xffff;
  Vector read_serial = _mm512_setzero_si512();
  if constexpr (global) {
    read_serial = words.load(view.read_serial, on);
    ours = equal(read_serial, splat(view.serial));
    old = long_ago(view, read_serial) | (ours & old);
  }
  // Reads of this warp alone before its lanes met.
  old |= ours & _mm512_testn_epi32_mask(_mm512_xor_si512(read, splat(view.thread0)), splat(warp_bits_mask)) &
         _mm512_testn_epi32_mask(read, splat(many_warps)) & below(read, view.warp_floor);
  if constexpr (mode == Mode::write) {
    const __mmask16 own = equal(_mm512_and_si512(read, splat(owner_mask)), thread);
    if (((old | (ours & own)) & on) != on) return false;
    words.store(view.write_pc, on, splat(view.pc));
    words.store(view.write, on, cell);
    if constexpr (!Words::distinct) {
      if ((equal(words.load(view.write, on), cell) & on) != on) return false;
    }
    if constexpr (global) words.store(view.write_serial, on, splat(view.serial));
    const auto unwritten = static_cast<__mmask16>(~words.state_is(view.state, state_written, on) & on);
    if (unwritten) words.set_written(view.state, unwritten);
  } else {
    if constexpr (mode == Mode::matrix_read) cell = _mm512_or_si512(cell, splat(many_lanes));
    // As cells::join_reads, of a read of the whole word.
    const Vector other = _mm512_xor_si512(read, thread);
    const __mmask16 several =
        _mm512_test_epi32_mask(other, splat(thread_mask)) | _mm512_test_epi32_mask(read, splat(kind_mask));
    Vector joined = _mm512_mask_and_epi32(cell, several, cell, _mm512_or_si512(read, splat(~all_bytes)));
    joined = _mm512_or_si512(joined, _mm512_and_si512(read, splat(kind_mask)));
    joined = _mm512_mask_or_epi32(joined, _mm512_test_epi32_mask(other, splat(thread_mask)), joined,
                                  splat(many_lanes));
    joined = _mm512_mask_or_epi32(joined, _mm512_test_epi32_mask(other, splat(warp_bits_mask)), joined,
                                  splat(many_warps));
    cell = _mm512_mask_mov_epi32(cell, static_cast<__mmask16>(ours & ~old), joined);
    if constexpr (global) {
      const auto others = static_cast<__mmask16>(~ours & ~old & on);
      const __mmask16 launch = _mm512_cmpge_epu32_mask(read_serial, splat(view.first)) &
                               _mm512_cmple_epu32_mask(read_serial, splat(view.many));
      if (others & ~launch) return false;
      words.store(view.read_serial, on, _mm512_mask_mov_epi32(splat(view.serial), others, splat(view.many)));
    }
    words.store(view.read, on, cell);
    if constexpr (!Words::distinct) {
      // Lanes that read the same word: one of those that were overwritten puts the mark of several.
      const auto lost = static_cast<__mmask16>(~equal(words.load(view.read, on), cell) & on);
      if (lost) words.store(view.read, lost, _mm512_or_si512(cell, splat(many_lanes)));
    }
  }
  return true;
}

template <bool global>
View shifted(View view, std::int64_t words) {
  view.state += words;
  view.write += words;
  view.read += words;
  view.write_pc += words;
  if constexpr (global) {
    view.write_serial += words;
    view.read_serial += words;
  }
  return view;
}

// `low`, `high`: words of lanes 0-15 and 16-31, relative to the view's arrays.
template <Mode mode, bool global>
bool run(const View& view, std::uint32_t lanes, Vector low, Vector high, int shift) {
  const int words = 1 << shift;
  const Vector lane = iota();
  if (lanes == ~0u) {
    const std::int32_t first = _mm_cvtsi128_si32(_mm512_castsi512_si128(low));
    const Vector row = _mm512_add_epi32(splat(static_cast<std::uint32_t>(first)),
                                        _mm512_sll_epi32(lane, _mm_cvtsi32_si128(shift)));
    const Vector next = _mm512_add_epi32(row, splat(16u << shift));
    if ((equal(low, row) & equal(high, next)) == 0xffff) {
      for (int i = 0; i < 2 * words; ++i) {
        const Vector thread = _mm512_add_epi32(
            splat(view.thread0),
            _mm512_srl_epi32(_mm512_add_epi32(lane, splat(static_cast<std::uint32_t>(16 * i))),
                             _mm_cvtsi32_si128(shift)));
        if (!touch<mode, global>(view, Row{first + 16 * i}, 0xffff, thread)) return false;
      }
      return true;
    }
  }
  const auto on_low = static_cast<__mmask16>(lanes), on_high = static_cast<__mmask16>(lanes >> 16);
  const Vector thread = _mm512_add_epi32(splat(view.thread0), lane);
  const Vector thread_high = _mm512_add_epi32(thread, splat(16));
  for (int i = 0; i < words; ++i) {
    const Vector step = splat(static_cast<std::uint32_t>(i));
    if (on_low && !touch<mode, global>(view, Scattered{_mm512_add_epi32(low, step)}, on_low, thread))
      return false;
    if (on_high && !touch<mode, global>(view, Scattered{_mm512_add_epi32(high, step)}, on_high, thread_high))
      return false;
  }
  return true;
}

template <bool global>
bool dispatch(const View& view, Mode mode, std::uint32_t lanes, Vector low, Vector high,
              std::uint32_t bytes) {
  const int shift = bytes == 16 ? 2 : bytes == 8 ? 1 : 0;
  switch (mode) {
    case Mode::read:
      return run<Mode::read, global>(view, lanes, low, high, shift);
    case Mode::write:
      return run<Mode::write, global>(view, lanes, low, high, shift);
    case Mode::matrix_read:
      return run<Mode::matrix_read, global>(view, lanes, low, high, shift);
  }
  return false;
}

bool shared(const View& view, Mode mode, std::uint32_t lanes, const std::uint32_t* offsets,
            std::uint32_t bytes) {
  const auto on_low = static_cast<__mmask16>(lanes), on_high = static_cast<__mmask16>(lanes >> 16);
  const Vector low = _mm512_maskz_loadu_epi32(on_low, offsets);
  const Vector high = _mm512_maskz_loadu_epi32(on_high, offsets + 16);
  if (view.bytes < bytes) return false;
  const auto last = static_cast<std::uint32_t>(view.bytes - bytes);
  const Vector both = _mm512_or_si512(low, high);
  if (_mm512_test_epi32_mask(both, splat(bytes - 1)) ||
      _mm512_cmpgt_epu32_mask(_mm512_max_epu32(low, high), splat(last)))
    return false;
  return dispatch<false>(view, mode, lanes, _mm512_srli_epi32(low, 2), _mm512_srli_epi32(high, 2), bytes);
}

bool global(const View& view, Mode mode, std::uint32_t lanes, const std::uint64_t* addresses,
            std::uint32_t bytes) {
  const std::uint64_t anchor = addresses[__builtin_ctz(lanes)];
  const Vector origin = _mm512_set1_epi64(static_cast<long long>(anchor));
  const Vector base = _mm512_set1_epi64(static_cast<long long>(view.base));
  const Vector last = _mm512_set1_epi64(static_cast<long long>(view.bytes - bytes));
  const Vector span = _mm512_set1_epi64(1ll << 32);
  const Vector align = _mm512_set1_epi64(static_cast<long long>(bytes - 1));
  __m256i parts[4];
  for (int i = 0; i < 4; ++i) {
    const auto on = static_cast<__mmask8>(lanes >> 8 * i);
    const Vector at = _mm512_mask_loadu_epi64(origin, on, addresses + 8 * i);
    const Vector apart = _mm512_sub_epi64(at, origin);
    if (_mm512_test_epi64_mask(at, align) | _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(at, base), last) |
        _mm512_cmpge_epu64_mask(_mm512_add_epi64(apart, span), _mm512_slli_epi64(span, 1)))
      return false;
    parts[i] = _mm512_cvtepi64_epi32(_mm512_srai_epi64(apart, 2));
  }
  const Vector low = _mm512_inserti64x4(_mm512_castsi256_si512(parts[0]), parts[1], 1);
  const Vector high = _mm512_inserti64x4(_mm512_castsi256_si512(parts[2]), parts[3], 1);
  const View near = shifted<true>(view, static_cast<std::int64_t>((anchor - view.base) / 4));
  return dispatch<true>(near, mode, lanes, low, high, bytes);
}

}  // namespace

const Functions avx512_functions = {shared, global};

}  // namespace agon::simt::fast
#endif
