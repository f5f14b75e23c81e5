// Arithmetic of f32 and f64 that is rounded as IEEE says. Included by foreach_isa.h.

using F32 = float;
using F64 = double;

AGON_SIMT_INLINE float flushed(float a) {
  return std::bit_cast<std::uint32_t>(a) & 0x7f800000u ? a : std::copysign(0.0f, a);
}
AGON_SIMT_INLINE float saturated(float a) {
  return a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f;
}
// The fused product and sum, one rounding.
AGON_SIMT_INLINE float fused(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
AGON_SIMT_INLINE double fused(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}

enum class Sum { add, sub, mul, fma, div, rcp, sqrt };
template <Sum op, class T>
AGON_SIMT_INLINE T apply(T a, T b, T c) {
  if constexpr (op == Sum::add) return a + b;
  if constexpr (op == Sum::sub) return a - b;
  if constexpr (op == Sum::mul) return a * b;
  if constexpr (op == Sum::fma) return fused(a, b, c);
  if constexpr (op == Sum::div) return a / b;
  if constexpr (op == Sum::rcp) return T{1} / a;
  if constexpr (op == Sum::sqrt) return std::sqrt(a);
}
constexpr int operands_of(Sum op) {
  return op == Sum::fma ? 3 : op == Sum::rcp || op == Sum::sqrt ? 1 : 2;
}

// Operands that the operation does not have read a: one line that is always there.
template <Sum op, class T, bool ftz, bool sat>
const Step* Nearest(Warp& w, const Step* s) {
  const T* a = lanes<T>(w, s->a);
  const T* b = lanes<T>(w, operands_of(op) > 1 ? s->b : s->a);
  const T* c = lanes<T>(w, operands_of(op) > 2 ? s->c : s->a);
  fill_lanes<T>(lanes<T>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    T x = a[i], y = b[i], z = c[i];
    if constexpr (ftz) x = flushed(x), y = flushed(y), z = flushed(z);
    T r = apply<op>(x, y, z);
    if constexpr (ftz) r = flushed(r);
    if constexpr (sat) r = saturated(r);
    return r;
  });
  return s + 1;
}

// Rounding other than to nearest, lane by lane with the processor's rounding mode.
template <Sum op, class T>
__attribute__((noinline)) T rounded(T a, T b, T c) {
  volatile T x = a, y = b, z = c;
  volatile T r = apply<op, T>(x, y, z);
  return r;
}
template <Sum op, class T>
const Step* Directed(Warp& w, const Step* s) {
  const T* a = lanes<T>(w, s->a);
  const T* b = lanes<T>(w, operands_of(op) > 1 ? s->b : s->a);
  const T* c = lanes<T>(w, operands_of(op) > 2 ? s->c : s->a);
  T results[warp_lanes];
  const int mode = std::fegetround();
  const Rounding rounding = s->in->rounding;
  std::fesetround(rounding == Rounding::rz   ? FE_TOWARDZERO
                  : rounding == Rounding::rm ? FE_DOWNWARD
                  : rounding == Rounding::rp ? FE_UPWARD
                                             : FE_TONEAREST);
  const bool ftz = s->flags & flag_ftz, sat = s->flags & flag_saturate;
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    T x = a[i], y = b[i], z = c[i];
    if constexpr (sizeof(T) == 4)
      if (ftz) x = flushed(x), y = flushed(y), z = flushed(z);
    T r = rounded<op>(x, y, z);
    if constexpr (sizeof(T) == 4) {
      if (ftz) r = flushed(r);
      if (sat) r = saturated(r);
    }
    results[i] = r;
  }
  std::fesetround(mode);
  T* d = lanes<T>(w, s->d);
  for (int i = 0; i < warp_lanes; ++i)
    if (w.exec >> i & 1) d[i] = results[i];
  return s + 1;
}

template <Sum op, class T>
Handler arithmetic(const Instruction& in) {
  if (in.rounding == Rounding::rz || in.rounding == Rounding::rm || in.rounding == Rounding::rp)
    return Directed<op, T>;
  if constexpr (sizeof(T) == 4) {
    const bool ftz = in.flags & flag_ftz, sat = in.flags & flag_saturate;
    if (ftz && sat) return Nearest<op, T, true, true>;
    if (ftz) return Nearest<op, T, true, false>;
    if (sat) return Nearest<op, T, false, true>;
  }
  return Nearest<op, T, false, false>;
}

// min and max: of a number and NaN the number, unless .NaN; -0 is below +0.
template <class T, bool largest>
const Step* Extreme(Warp& w, const Step* s) {
  const bool nan = s->flags & flag_nan, ftz = s->flags & flag_ftz, xorsign = s->flags & flag_xorsign_abs;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits sign_bit = Bits{1} << (8 * sizeof(T) - 1);
  constexpr T canonical = std::bit_cast<T>(static_cast<Bits>(~sign_bit));
  return binary<T, T>(w, s, [=](T a, T b) AGON_SIMT_LAMBDA {
    if constexpr (sizeof(T) == 4)
      if (ftz) a = flushed(a), b = flushed(b);
    const Bits sign = (std::bit_cast<Bits>(a) ^ std::bit_cast<Bits>(b)) & sign_bit;
    if (xorsign) a = std::fabs(a), b = std::fabs(b);
    const bool a_nan = a != a, b_nan = b != b;
    const bool a_negative = std::bit_cast<Bits>(a) & sign_bit;
    T r = largest ? (a > b || (a == b && !a_negative) ? a : b) : (a < b || (a == b && a_negative) ? a : b);
    r = a_nan ? (b_nan || nan ? canonical : b) : b_nan ? (nan ? canonical : a) : r;
    if (xorsign && r == r) r = std::bit_cast<T>(static_cast<Bits>(std::bit_cast<Bits>(r) | sign));
    return r;
  });
}
template <class T, bool negate>
const Step* Sign(Warp& w, const Step* s) {
  const bool ftz = s->flags & flag_ftz;
  return unary<T, T>(w, s, [=](T a) AGON_SIMT_LAMBDA {
    if constexpr (sizeof(T) == 4)
      if (ftz) a = flushed(a);
    return negate ? -a : std::fabs(a);
  });
}
// copysign: the sign of a, the magnitude of b.
template <class T>
const Step* Copysign(Warp& w, const Step* s) {
  return binary<T, T>(w, s, [](T a, T b) AGON_SIMT_LAMBDA { return std::copysign(b, a); });
}
template <class T>
const Step* Testp(Warp& w, const Step* s) {
  const T* a = lanes<T>(w, s->a);
  const auto test = static_cast<FloatTest>(s->in->modifier);
  const std::uint32_t holds = lanes_where([&](int i) AGON_SIMT_LAMBDA {
    const T x = std::fabs(a[i]);
    const bool infinite = x == std::numeric_limits<T>::infinity(), nan = x != x;
    const bool below_normal = x < std::numeric_limits<T>::min();
    switch (test) {
      case FloatTest::finite:
        return !infinite && !nan;
      case FloatTest::infinite:
        return infinite;
      case FloatTest::number:
        return !nan;
      case FloatTest::notanumber:
        return nan;
      case FloatTest::normal:
        return !infinite && !nan && !below_normal;
      case FloatTest::subnormal:
        return below_normal && x > 0;
    }
    return false;
  });
  set_predicate(w, s->in->d, holds);
  return s + 1;
}

Handler find(const Instruction& in) {
  switch (in.op) {
    case Op::AddF32:
      return arithmetic<Sum::add, F32>(in);
    case Op::SubF32:
      return arithmetic<Sum::sub, F32>(in);
    case Op::MulF32:
      return arithmetic<Sum::mul, F32>(in);
    case Op::FmaF32:
      return arithmetic<Sum::fma, F32>(in);
    case Op::DivF32:
      return in.flags & (flag_approx | flag_full) ? nullptr : arithmetic<Sum::div, F32>(in);
    case Op::RcpF32:
      return in.flags & flag_approx ? nullptr : arithmetic<Sum::rcp, F32>(in);
    case Op::SqrtF32:
      return in.flags & flag_approx ? nullptr : arithmetic<Sum::sqrt, F32>(in);
    case Op::AddF64:
      return arithmetic<Sum::add, F64>(in);
    case Op::SubF64:
      return arithmetic<Sum::sub, F64>(in);
    case Op::MulF64:
      return arithmetic<Sum::mul, F64>(in);
    case Op::FmaF64:
      return arithmetic<Sum::fma, F64>(in);
    case Op::DivF64:
      return arithmetic<Sum::div, F64>(in);
    case Op::RcpF64:
      return in.flags & flag_approx ? nullptr : arithmetic<Sum::rcp, F64>(in);
    case Op::SqrtF64:
      return arithmetic<Sum::sqrt, F64>(in);
    case Op::MinF32:
      return Extreme<F32, false>;
    case Op::MaxF32:
      return Extreme<F32, true>;
    case Op::MinF64:
      return Extreme<F64, false>;
    case Op::MaxF64:
      return Extreme<F64, true>;
    case Op::AbsF32:
      return Sign<F32, false>;
    case Op::AbsF64:
      return Sign<F64, false>;
    case Op::NegF32:
      return Sign<F32, true>;
    case Op::NegF64:
      return Sign<F64, true>;
    case Op::CopysignF32:
      return Copysign<F32>;
    case Op::CopysignF64:
      return Copysign<F64>;
    case Op::TestpF32:
      return Testp<F32>;
    case Op::TestpF64:
      return Testp<F64>;
    default:
      return nullptr;
  }
}
