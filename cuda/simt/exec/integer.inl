// Integer arithmetic. Included by foreach_isa.h.

template <class T>
using Unsigned = std::make_unsigned_t<T>;

// The upper half of a product.
template <class T>
AGON_SIMT_INLINE T mul_hi(T a, T b) {
  if constexpr (sizeof(T) == 8) {
    using Wide = std::conditional_t<std::is_signed_v<T>, __int128_t, __uint128_t>;
    return static_cast<T>((static_cast<Wide>(a) * b) >> 64);
  } else {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    return static_cast<T>((static_cast<Wide>(a) * static_cast<Wide>(b)) >> (8 * sizeof(T)));
  }
}

// Division by zero gives all ones, as NVIDIA's processors do; the remainder is then the dividend.
template <class T>
AGON_SIMT_INLINE T divide(T a, T b) {
  if (b == 0) return static_cast<T>(~Unsigned<T>{0});
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a));
  return static_cast<T>(a / b);
}
template <class T>
AGON_SIMT_INLINE T remainder(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return 0;
  return static_cast<T>(a % b);
}
template <class T>
AGON_SIMT_INLINE T absolute_difference(T a, T b) {
  return static_cast<T>(a > b ? static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b)
                              : static_cast<Unsigned<T>>(b) - static_cast<Unsigned<T>>(a));
}

#define UNARY(Name, T, expr)                                                             \
  const Step* Name(Warp& w, const Step* s) {                                             \
    return unary<T, T>(w, s, [](T a) AGON_SIMT_LAMBDA { return static_cast<T>(expr); }); \
  }
#define BINARY(Name, T, expr)                                                                  \
  const Step* Name(Warp& w, const Step* s) {                                                   \
    return binary<T, T>(w, s, [](T a, T b) AGON_SIMT_LAMBDA { return static_cast<T>(expr); }); \
  }
#define TERNARY(Name, D, T, expr)                                                                       \
  const Step* Name(Warp& w, const Step* s) {                                                            \
    return ternary<D, T, D>(w, s, [](T a, T b, D c) AGON_SIMT_LAMBDA { return static_cast<D>(expr); }); \
  }
// One for each signedness and width.
#define BINARY_SU(Name, expr)                                                      \
  BINARY(Name##S16, std::int16_t, expr)                                            \
  BINARY(Name##U16, std::uint16_t, expr) BINARY(Name##S32, std::int32_t, expr)     \
      BINARY(Name##U32, std::uint32_t, expr) BINARY(Name##S64, std::int64_t, expr) \
          BINARY(Name##U64, std::uint64_t, expr)
#define BINARY_WIDTHS(Name, expr)       \
  BINARY(Name##16, std::uint16_t, expr) \
  BINARY(Name##32, std::uint32_t, expr) BINARY(Name##64, std::uint64_t, expr)

BINARY_WIDTHS(Add, a + b)
BINARY_WIDTHS(Sub, a - b)
BINARY(Mul16, std::uint16_t, static_cast<std::uint32_t>(a) * b)
BINARY(Mul32, std::uint32_t, a* b)
BINARY(Mul64, std::uint64_t, a* b)
BINARY_SU(MulHi, mul_hi(a, b))
BINARY_SU(Div, divide(a, b))
BINARY_SU(Rem, remainder(a, b))
BINARY_SU(Min, a < b ? a : b)
BINARY_SU(Max, a > b ? a : b)
UNARY(AbsS16, std::int16_t, a < 0 ? -a : a)
UNARY(AbsS32, std::int32_t, a < 0 ? 0u - static_cast<std::uint32_t>(a) : static_cast<std::uint32_t>(a))
UNARY(AbsS64, std::int64_t, a < 0 ? 0ull - static_cast<std::uint64_t>(a) : static_cast<std::uint64_t>(a))
UNARY(NegS16, std::uint16_t, 0u - a)
UNARY(NegS32, std::uint32_t, 0u - a)
UNARY(NegS64, std::uint64_t, std::uint64_t{0} - a)
TERNARY(Mad16, std::uint16_t, std::uint16_t, static_cast<std::uint32_t>(a) * b + c)
TERNARY(Mad32, std::uint32_t, std::uint32_t, a* b + c)
TERNARY(Mad64, std::uint64_t, std::uint64_t, a* b + c)
TERNARY(MadHiS32, std::uint32_t, std::int32_t, static_cast<std::uint32_t>(mul_hi(a, b)) + c)
TERNARY(MadHiU32, std::uint32_t, std::uint32_t, mul_hi(a, b) + c)
TERNARY(MadHiS64, std::uint64_t, std::int64_t, static_cast<std::uint64_t>(mul_hi(a, b)) + c)
TERNARY(MadHiU64, std::uint64_t, std::uint64_t, mul_hi(a, b) + c)
TERNARY(MadWideS16, std::uint32_t, std::int16_t, static_cast<std::uint32_t>(std::int32_t{a} * b) + c)
TERNARY(MadWideU16, std::uint32_t, std::uint16_t, std::uint32_t{a} * b + c)
TERNARY(MadWideS32, std::uint64_t, std::int32_t, static_cast<std::uint64_t>(std::int64_t{a} * b) + c)
TERNARY(MadWideU32, std::uint64_t, std::uint32_t, std::uint64_t{a} * b + c)
TERNARY(SadS16, std::uint16_t, std::int16_t, static_cast<std::uint16_t>(absolute_difference(a, b)) + c)
TERNARY(SadU16, std::uint16_t, std::uint16_t, absolute_difference(a, b) + c)
TERNARY(SadS32, std::uint32_t, std::int32_t, static_cast<std::uint32_t>(absolute_difference(a, b)) + c)
TERNARY(SadU32, std::uint32_t, std::uint32_t, absolute_difference(a, b) + c)
TERNARY(SadS64, std::uint64_t, std::int64_t, static_cast<std::uint64_t>(absolute_difference(a, b)) + c)
TERNARY(SadU64, std::uint64_t, std::uint64_t, absolute_difference(a, b) + c)

template <class D, class T>
const Step* MulWide(Warp& w, const Step* s) {
  return binary<D, T>(w, s, [](T a, T b) AGON_SIMT_LAMBDA {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::make_signed_t<D>, D>;
    return static_cast<D>(static_cast<Wide>(a) * static_cast<Wide>(b));
  });
}

const Step* Add32Saturated(Warp& w, const Step* s) {
  return binary<std::int32_t, std::int32_t>(w, s, [](std::int32_t a, std::int32_t b) AGON_SIMT_LAMBDA {
    const std::int64_t sum = std::int64_t{a} + b;
    return static_cast<std::int32_t>(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
  });
}
const Step* Sub32Saturated(Warp& w, const Step* s) {
  return binary<std::int32_t, std::int32_t>(w, s, [](std::int32_t a, std::int32_t b) AGON_SIMT_LAMBDA {
    const std::int64_t difference = std::int64_t{a} - b;
    return static_cast<std::int32_t>(difference > INT32_MAX   ? INT32_MAX
                                     : difference < INT32_MIN ? INT32_MIN
                                                              : difference);
  });
}

// mul24: the low or the high 32 bits of the 48-bit product of the low 24 bits.
template <bool is_signed>
AGON_SIMT_INLINE std::uint32_t product24(std::uint32_t a, std::uint32_t b, bool high) {
  std::int64_t x, y;
  if constexpr (is_signed) {
    x = static_cast<std::int32_t>(a << 8) >> 8;
    y = static_cast<std::int32_t>(b << 8) >> 8;
  } else {
    x = a & 0xffffff;
    y = b & 0xffffff;
  }
  const std::int64_t product = x * y;
  return static_cast<std::uint32_t>(high ? product >> 16 : product);
}
template <bool is_signed, bool add>
const Step* Product24(Warp& w, const Step* s) {
  const bool high = s->in->modifier == 1;
  if constexpr (add)
    return ternary<std::uint32_t, std::uint32_t, std::uint32_t>(
        w, s, [=](std::uint32_t a, std::uint32_t b, std::uint32_t c) AGON_SIMT_LAMBDA {
          return product24<is_signed>(a, b, high) + c;
        });
  else
    return binary<std::uint32_t, std::uint32_t>(w, s, [=](std::uint32_t a, std::uint32_t b) AGON_SIMT_LAMBDA {
      return product24<is_signed>(a, b, high);
    });
}

// Sums with carry: x = a, y = b or the product's half, z = c. Scalar, for addresses and wide products only.
template <class T, class F>
AGON_SIMT_INLINE const Step* with_carry(Warp& w, const Step* s, F f) {
  const std::uint32_t carry_in = s->flags & flag_carry_in ? w.predicates[carry_predicate] : 0;
  std::uint32_t carry_out = 0;
  T* d = lanes<T>(w, s->d);
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    bool carry = carry_in >> i & 1;
    d[i] = f(i, carry);
    carry_out |= std::uint32_t{carry} << i;
  }
  if (s->flags & flag_carry_out) set_predicate(w, carry_predicate, carry_out);
  return s + 1;
}
template <class T>
AGON_SIMT_INLINE T add_carry(T a, T b, bool& carry) {
  T sum;
  const bool first = __builtin_add_overflow(a, b, &sum);
  const bool second = __builtin_add_overflow(sum, static_cast<T>(carry), &sum);
  carry = first || second;
  return sum;
}
template <class T>
const Step* AddCarry(Warp& w, const Step* s) {
  const T *a = lanes<T>(w, s->a), *b = lanes<T>(w, s->b);
  return with_carry<T>(w, s, [=](int i, bool& carry) { return add_carry<T>(a[i], b[i], carry); });
}
// The carry of a difference is its borrow.
template <class T>
const Step* SubCarry(Warp& w, const Step* s) {
  const T *a = lanes<T>(w, s->a), *b = lanes<T>(w, s->b);
  return with_carry<T>(w, s, [=](int i, bool& carry) {
    T difference;
    const bool first = __builtin_sub_overflow(a[i], b[i], &difference);
    const bool second = __builtin_sub_overflow(difference, static_cast<T>(carry), &difference);
    carry = first || second;
    return difference;
  });
}
template <class T, class Source, bool high>
const Step* MadCarry(Warp& w, const Step* s) {
  const T *a = lanes<T>(w, s->a), *b = lanes<T>(w, s->b), *c = lanes<T>(w, s->c);
  return with_carry<T>(w, s, [=](int i, bool& carry) {
    const T product = high ? static_cast<T>(mul_hi(static_cast<Source>(a[i]), static_cast<Source>(b[i])))
                           : static_cast<T>(a[i] * b[i]);
    return add_carry<T>(product, c[i], carry);
  });
}

// Products of bytes (dp4a) and of halves with bytes (dp2a).
AGON_SIMT_INLINE std::int32_t field(std::uint32_t value, int bits, int index, bool is_signed) {
  const int shift = 32 - bits;
  const std::uint32_t raised = value << (shift - bits * index);
  return is_signed ? static_cast<std::int32_t>(raised) >> shift : static_cast<std::int32_t>(raised >> shift);
}
template <bool four>
const Step* DotProduct(Warp& w, const Step* s) {
  const bool a_signed = s->in->type == Type::s32, b_signed = s->in->source_type == Type::s32;
  const int first = four ? 0 : 2 * s->in->modifier;
  return ternary<std::uint32_t, std::uint32_t, std::uint32_t>(
      w, s, [=](std::uint32_t a, std::uint32_t b, std::uint32_t c) AGON_SIMT_LAMBDA {
        for (int i = 0; i < (four ? 4 : 2); ++i)
          c += static_cast<std::uint32_t>(field(a, four ? 8 : 16, i, a_signed) *
                                          field(b, 8, first + i, b_signed));
        return c;
      });
}

Handler find(const Instruction& in) {
  const bool saturate = in.flags & flag_saturate;
  switch (in.op) {
#define CASE(Name) \
  case Op::Name:   \
    return Name;
#define CASE_SU(Name) \
  CASE(Name##S16) CASE(Name##U16) CASE(Name##S32) CASE(Name##U32) CASE(Name##S64) CASE(Name##U64)
    CASE(Add16)
        CASE(Add64) CASE(Sub16) CASE(Sub64) CASE(Mul16) CASE(Mul32) CASE(Mul64) case Op::Add32
        : return saturate
          ? Add32Saturated
          : Add32;
    case Op::Sub32:
      return saturate ? Sub32Saturated : Sub32;
      CASE_SU(MulHi)
      CASE_SU(Div) CASE_SU(Rem) CASE_SU(Min) CASE_SU(Max) CASE_SU(Sad) CASE(AbsS16) CASE(AbsS32) CASE(AbsS64)
          CASE(NegS16) CASE(NegS32) CASE(NegS64) CASE(Mad16) CASE(Mad32) CASE(Mad64) CASE(MadHiS32)
              CASE(MadHiU32) CASE(MadHiS64) CASE(MadHiU64) CASE(MadWideS16) CASE(MadWideU16) CASE(MadWideS32)
                  CASE(MadWideU32) case Op::MulWideS16 : return MulWide<std::uint32_t, std::int16_t>;
    case Op::MulWideU16:
      return MulWide<std::uint32_t, std::uint16_t>;
    case Op::MulWideS32:
      return MulWide<std::uint64_t, std::int32_t>;
    case Op::MulWideU32:
      return MulWide<std::uint64_t, std::uint32_t>;
    case Op::Mul24S:
      return Product24<true, false>;
    case Op::Mul24U:
      return Product24<false, false>;
    case Op::Mad24S:
      return Product24<true, true>;
    case Op::Mad24U:
      return Product24<false, true>;
    case Op::AddCarry32:
      return AddCarry<std::uint32_t>;
    case Op::AddCarry64:
      return AddCarry<std::uint64_t>;
    case Op::SubCarry32:
      return SubCarry<std::uint32_t>;
    case Op::SubCarry64:
      return SubCarry<std::uint64_t>;
    case Op::MadCarryLo32:
      return MadCarry<std::uint32_t, std::uint32_t, false>;
    case Op::MadCarryHiS32:
      return MadCarry<std::uint32_t, std::int32_t, true>;
    case Op::MadCarryHiU32:
      return MadCarry<std::uint32_t, std::uint32_t, true>;
    case Op::MadCarryLo64:
      return MadCarry<std::uint64_t, std::uint64_t, false>;
    case Op::MadCarryHiS64:
      return MadCarry<std::uint64_t, std::int64_t, true>;
    case Op::MadCarryHiU64:
      return MadCarry<std::uint64_t, std::uint64_t, true>;
    case Op::Dp4a:
      return DotProduct<true>;
    case Op::Dp2a:
      return DotProduct<false>;
    default:
      return nullptr;
  }
}

#undef UNARY
#undef BINARY
#undef TERNARY
#undef BINARY_SU
#undef BINARY_WIDTHS
#undef CASE
#undef CASE_SU
