// Logic, shifts and bit fields. Included by foreach_isa.h.

using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;

#define BINARY(Name, T, expr)                                                                  \
  const Step* Name(Warp& w, const Step* s) {                                                   \
    return binary<T, T>(w, s, [](T a, T b) AGON_SIMT_LAMBDA { return static_cast<T>(expr); }); \
  }
#define UNARY(Name, D, T, expr)                                                          \
  const Step* Name(Warp& w, const Step* s) {                                             \
    return unary<D, T>(w, s, [](T a) AGON_SIMT_LAMBDA { return static_cast<D>(expr); }); \
  }

BINARY(And32, U32, a& b)
BINARY(And64, U64, a& b)
BINARY(Or32, U32, a | b)
BINARY(Or64, U64, a | b)
BINARY(Xor32, U32, a ^ b)
BINARY(Xor64, U64, a ^ b)
UNARY(Not16, U16, U16, ~a)
UNARY(Not32, U32, U32, ~a)
UNARY(Not64, U64, U64, ~a)
UNARY(Cnot32, U32, U32, a == 0)
UNARY(Cnot64, U64, U64, a == 0)
UNARY(Popc32, U32, U32, __builtin_popcount(a))
UNARY(Popc64, U32, U64, __builtin_popcountll(a))
UNARY(Clz32, U32, U32, a ? __builtin_clz(a) : 32)
UNARY(Clz64, U32, U64, a ? __builtin_clzll(a) : 64)

// Shifts clamp their amount, which is 32 bits whatever the value's width.
template <class T, bool left>
const Step* Shift(Warp& w, const Step* s) {
  const auto* a = lanes<Slot<T>>(w, s->a);
  const auto* b = lanes<U32>(w, s->b);
  constexpr U32 bits = 8 * sizeof(T);
  fill_lanes<T>(lanes<Slot<T>>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    const T value = static_cast<T>(a[i]);
    const U32 amount = b[i];
    if constexpr (left)
      return static_cast<T>(amount < bits ? value << (amount & (bits - 1)) : 0);
    else if constexpr (std::is_signed_v<T>)
      return static_cast<T>(value >> (amount < bits ? amount : bits - 1));
    else
      return static_cast<T>(amount < bits ? value >> (amount & (bits - 1)) : 0);
  });
  return s + 1;
}

// shf: c is the amount; {b, a} the 64-bit value.
template <bool left, bool wrap>
const Step* Funnel(Warp& w, const Step* s) {
  return ternary<U32, U32, U32>(w, s, [](U32 a, U32 b, U32 c) AGON_SIMT_LAMBDA {
    const U32 amount = wrap ? c & 31 : c < 32 ? c : 32;
    const U64 both = U64{b} << 32 | a;
    return static_cast<U32>(left ? (both << amount) >> 32 : both >> amount);
  });
}

template <int table>
AGON_SIMT_INLINE U32 lop3(U32 a, U32 b, U32 c) {
  U32 result = 0;
  for (int row = 0; row < 8; ++row)
    if (table >> row & 1) result |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
  return result;
}
// One loop per table would be 256 handlers; the two that nvcc emits most have theirs.
template <int table>
const Step* Lop3Of(Warp& w, const Step* s) {
  return ternary<U32, U32, U32>(w, s,
                                [](U32 a, U32 b, U32 c) AGON_SIMT_LAMBDA { return lop3<table>(a, b, c); });
}
const Step* Lop3Any(Warp& w, const Step* s) {
  const U32 table = s->in->modifier;
  U32 rows[8];
  for (int row = 0; row < 8; ++row) rows[row] = table >> row & 1 ? all_lanes : 0;
  return ternary<U32, U32, U32>(w, s, [&](U32 a, U32 b, U32 c) AGON_SIMT_LAMBDA {
    U32 result = 0;
    for (U32 row = 0; row < 8; ++row)
      result |= rows[row] & (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
    return result;
  });
}

// Picks bytes of {b, a}: `selector` holds four fields of four bits, the high one copies the byte's sign.
AGON_SIMT_INLINE U32 permute(U32 a, U32 b, U32 selector) {
  const U64 both = U64{b} << 32 | a;
  U32 result = 0;
  for (int i = 0; i < 4; ++i) {
    const U32 pick = selector >> (4 * i) & 15;
    U32 byte = static_cast<U32>(both >> (8 * (pick & 7))) & 0xff;
    if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}
const Step* Prmt(Warp& w, const Step* s) {
  return ternary<U32, U32, U32>(w, s, [](U32 a, U32 b, U32 c) AGON_SIMT_LAMBDA { return permute(a, b, c); });
}
// The modes with a name: the selector that each of the four values of c means.
template <PrmtMode mode>
const Step* PrmtNamed(Warp& w, const Step* s) {
  static constexpr U32 selectors[][4] = {{0, 0, 0, 0},
                                         {0x3210, 0x4321, 0x5432, 0x6543},
                                         {0x5670, 0x6701, 0x7012, 0x0123},
                                         {0x0000, 0x1111, 0x2222, 0x3333},
                                         {0x3210, 0x3211, 0x3222, 0x3333},
                                         {0x0000, 0x1110, 0x2210, 0x3210},
                                         {0x1010, 0x3232, 0x1010, 0x3232}};
  return ternary<U32, U32, U32>(w, s, [](U32 a, U32 b, U32 c) AGON_SIMT_LAMBDA {
    return permute(a, b, selectors[static_cast<int>(mode)][c & 3]);
  });
}

template <class T>
AGON_SIMT_INLINE T reversed(T a) {
  T result = 0;
  for (unsigned i = 0; i < 8 * sizeof(T); ++i) result |= (a >> i & 1) << (8 * sizeof(T) - 1 - i);
  return result;
}
UNARY(Brev32, U32, U32, reversed(a))
UNARY(Brev64, U64, U64, reversed(a))

// The highest bit that differs from the sign, or all ones.
template <class T>
const Step* Bfind(Warp& w, const Step* s) {
  const bool shift = s->in->modifier == 1;
  return unary<U32, T>(w, s, [=](T a) AGON_SIMT_LAMBDA {
    using U = std::make_unsigned_t<T>;
    const U value = static_cast<U>(std::is_signed_v<T> && a < 0 ? ~a : a);
    if (value == 0) return all_lanes;
    const U32 place = 63 - static_cast<U32>(__builtin_clzll(value));
    return shift ? static_cast<U32>(8 * sizeof(T)) - 1 - place : place;
  });
}

// bfe: `b` is the position, `c` the length, both of 8 bits.
template <class T>
const Step* Bfe(Warp& w, const Step* s) {
  const auto* a = lanes<T>(w, s->a);
  const auto* b = lanes<U32>(w, s->b);
  const auto* c = lanes<U32>(w, s->c);
  constexpr U32 bits = 8 * sizeof(T);
  fill_lanes<T>(lanes<T>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    using U = std::make_unsigned_t<T>;
    const U32 position = b[i] & 0xff, length = c[i] & 0xff;
    if (length == 0) return T{0};
    const U value = static_cast<U>(a[i]);
    const U field = position < bits ? value >> position : 0;
    const U mask = length < bits ? (U{1} << length) - 1 : ~U{0};
    bool sign = false;
    if (std::is_signed_v<T>) {
      const U32 last = position + length - 1 < bits - 1 ? position + length - 1 : bits - 1;
      sign = value >> last & 1;
    }
    // Bits from beyond the value are its sign.
    const U32 real = position >= bits ? 0 : bits - position < length ? bits - position : length;
    const U kept = real < bits ? (U{1} << real) - 1 : ~U{0};
    return static_cast<T>(sign ? (field & mask & kept) | ~kept : field & mask);
  });
  return s + 1;
}
template <class T>
const Step* Bfi(Warp& w, const Step* s) {
  const auto* a = lanes<T>(w, s->a);
  const auto* b = lanes<T>(w, s->b);
  const auto* c = lanes<U32>(w, s->c);
  const auto* l = lanes<U32>(w, s->list[0]);
  constexpr U32 bits = 8 * sizeof(T);
  fill_lanes<T>(lanes<T>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    const U32 position = c[i] & 0xff, length = l[i] & 0xff;
    if (position >= bits) return b[i];
    const T mask = (length < bits ? (T{1} << length) - 1 : ~T{0}) << position;
    return static_cast<T>((a[i] << position & mask) | (b[i] & ~mask));
  });
  return s + 1;
}

// bmsk: `b` ones from bit `a` on; modifier 1 wraps the operands to 5 bits.
const Step* Bmsk(Warp& w, const Step* s) {
  const bool wrap = s->in->modifier == 1;
  return binary<U32, U32>(w, s, [=](U32 a, U32 b) AGON_SIMT_LAMBDA {
    const U32 position = wrap ? a & 31 : a, length = wrap ? b & 31 : b;
    if (position >= 32 || length == 0) return U32{0};
    return (length < 32 ? (U32{1} << length) - 1 : all_lanes) << position;
  });
}
// szext: extends the low `b` bits of a; modifier 1 wraps `b` to 5 bits.
const Step* Szext(Warp& w, const Step* s) {
  const bool is_signed = s->in->type == Type::s32, wrap = s->in->modifier == 1;
  return binary<U32, U32>(w, s, [=](U32 a, U32 b) AGON_SIMT_LAMBDA {
    const U32 length = wrap ? b & 31 : b;
    if (length >= 32) return a;
    if (length == 0) return U32{0};
    const U32 mask = (U32{1} << length) - 1;
    return is_signed && (a >> (length - 1) & 1) ? a | ~mask : a & mask;
  });
}

Handler find(const Instruction& in) {
  switch (in.op) {
#define CASE(Name) \
  case Op::Name:   \
    return Name;
    CASE(And32)
    CASE(And64) CASE(Or32) CASE(Or64) CASE(Xor32) CASE(Xor64) CASE(Not16) CASE(Not32) CASE(Not64) CASE(Cnot32)
        CASE(Cnot64) CASE(Popc32) CASE(Popc64) CASE(Clz32) CASE(Clz64) CASE(Brev32) CASE(Brev64) CASE(Bmsk)
            CASE(Szext) case Op::Shl16 : return Shift<U16, true>;
    case Op::Shl32:
      return Shift<U32, true>;
    case Op::Shl64:
      return Shift<U64, true>;
    case Op::ShrS16:
      return Shift<S16, false>;
    case Op::ShrU16:
      return Shift<U16, false>;
    case Op::ShrS32:
      return Shift<S32, false>;
    case Op::ShrU32:
      return Shift<U32, false>;
    case Op::ShrS64:
      return Shift<S64, false>;
    case Op::ShrU64:
      return Shift<U64, false>;
    case Op::ShfLeftWrap:
      return Funnel<true, true>;
    case Op::ShfLeftClamp:
      return Funnel<true, false>;
    case Op::ShfRightWrap:
      return Funnel<false, true>;
    case Op::ShfRightClamp:
      return Funnel<false, false>;
    case Op::Lop3:
      switch (in.modifier) {
        case 0x96:
          return Lop3Of<0x96>;
        case 0xf8:
          return Lop3Of<0xf8>;
        default:
          return Lop3Any;
      }
    case Op::Prmt:
      switch (static_cast<PrmtMode>(in.modifier)) {
        case PrmtMode::index:
          return Prmt;
        case PrmtMode::f4e:
          return PrmtNamed<PrmtMode::f4e>;
        case PrmtMode::b4e:
          return PrmtNamed<PrmtMode::b4e>;
        case PrmtMode::rc8:
          return PrmtNamed<PrmtMode::rc8>;
        case PrmtMode::ecl:
          return PrmtNamed<PrmtMode::ecl>;
        case PrmtMode::ecr:
          return PrmtNamed<PrmtMode::ecr>;
        case PrmtMode::rc16:
          return PrmtNamed<PrmtMode::rc16>;
      }
      return nullptr;
    case Op::BfindS32:
      return Bfind<S32>;
    case Op::BfindU32:
      return Bfind<U32>;
    case Op::BfindS64:
      return Bfind<S64>;
    case Op::BfindU64:
      return Bfind<U64>;
    case Op::BfeS32:
      return Bfe<S32>;
    case Op::BfeU32:
      return Bfe<U32>;
    case Op::BfeS64:
      return Bfe<S64>;
    case Op::BfeU64:
      return Bfe<U64>;
    case Op::Bfi32:
      return Bfi<U32>;
    case Op::Bfi64:
      return Bfi<U64>;
#undef CASE
    default:
      return nullptr;
  }
}

#undef UNARY
#undef BINARY
