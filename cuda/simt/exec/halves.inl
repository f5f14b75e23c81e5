// Arithmetic of f16 and bf16, one or two to a register, rounded once. Included by foreach_isa.h.
#include "cuda/simt/exec/half.inl"

enum class HalfOp { add, sub, mul, fma, min, max, abs, neg };

template <class Format>
AGON_SIMT_INLINE std::uint32_t half_extreme(std::uint32_t a, std::uint32_t b, bool largest, bool nan,
                                            bool xorsign) {
  const std::uint32_t sign = (a ^ b) & 0x8000;
  if (xorsign) a &= 0x7fff, b &= 0x7fff;
  const bool a_nan = (a & 0x7fff) > Format::infinity, b_nan = (b & 0x7fff) > Format::infinity;
  // Ordered as integers: negative numbers below, in falling magnitude.
  const std::int32_t a_key =
      a & 0x8000 ? -static_cast<std::int32_t>(a & 0x7fff) - 1 : static_cast<std::int32_t>(a);
  const std::int32_t b_key =
      b & 0x8000 ? -static_cast<std::int32_t>(b & 0x7fff) - 1 : static_cast<std::int32_t>(b);
  std::uint32_t r = (a_key > b_key) == largest ? a : b;
  r = a_nan ? (b_nan || nan ? Format::nan : b) : b_nan ? (nan ? Format::nan : a) : r;
  return xorsign && r != Format::nan ? (r & 0x7fff) | sign : r;
}

// The exact product of two halves fits a double, and so does the sum to odd.
template <class Format, HalfOp op>
AGON_SIMT_INLINE std::uint32_t half_apply(std::uint32_t a, std::uint32_t b, std::uint32_t c,
                                          std::uint32_t flags) {
  if constexpr (op == HalfOp::min || op == HalfOp::max)
    return half_extreme<Format>(a, b, op == HalfOp::max, flags & flag_nan, flags & flag_xorsign_abs);
  if constexpr (op == HalfOp::abs) return a & 0x7fff;
  if constexpr (op == HalfOp::neg) return a ^ 0x8000;
  const double x = Format::widen(a), y = Format::widen(b);
  double exact = 0;
  if constexpr (op == HalfOp::add) exact = sum_to_odd(x, y);
  if constexpr (op == HalfOp::sub) exact = sum_to_odd(x, -y);
  if constexpr (op == HalfOp::mul) exact = x * y;
  if constexpr (op == HalfOp::fma) exact = sum_to_odd(x * y, Format::widen(c));
  std::uint32_t r = Format::narrow(to_odd(exact));
  if (flags & flag_saturate)
    r = r & 0x8000 || (r & 0x7fff) > Format::infinity ? 0 : r > Format::one ? Format::one : r;
  if (flags & flag_relu) r = (r & 0x7fff) > Format::infinity ? Format::nan : r & 0x8000 ? 0 : r;
  return r;
}

template <class Format, HalfOp op, bool pair>
const Step* Half(Warp& w, const Step* s) {
  constexpr int operands = op == HalfOp::fma ? 3 : op == HalfOp::abs || op == HalfOp::neg ? 1 : 2;
  const std::uint32_t flags = s->flags;
  const auto* a = lanes<std::uint32_t>(w, s->a);
  const auto* b = lanes<std::uint32_t>(w, operands > 1 ? s->b : s->a);
  const auto* c = lanes<std::uint32_t>(w, operands > 2 ? s->c : s->a);
  fill_lanes<std::uint32_t>(lanes<std::uint32_t>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    const std::uint32_t low = half_apply<Format, op>(a[i] & 0xffff, b[i] & 0xffff, c[i] & 0xffff, flags);
    if constexpr (!pair) return low;
    return low | half_apply<Format, op>(a[i] >> 16, b[i] >> 16, c[i] >> 16, flags) << 16;
  });
  return s + 1;
}

template <HalfOp op>
Handler half(Type type) {
  switch (type) {
    case Type::f16:
      return Half<F16, op, false>;
    case Type::f16x2:
      return Half<F16, op, true>;
    case Type::bf16:
      return Half<Bf16, op, false>;
    case Type::bf16x2:
      return Half<Bf16, op, true>;
    default:
      return nullptr;
  }
}

Handler find(const Instruction& in) {
  switch (in.op) {
    case Op::AddHalf:
      return half<HalfOp::add>(in.type);
    case Op::SubHalf:
      return half<HalfOp::sub>(in.type);
    case Op::MulHalf:
      return half<HalfOp::mul>(in.type);
    case Op::FmaHalf:
      return half<HalfOp::fma>(in.type);
    case Op::MinHalf:
      return half<HalfOp::min>(in.type);
    case Op::MaxHalf:
      return half<HalfOp::max>(in.type);
    case Op::AbsHalf:
      return half<HalfOp::abs>(in.type);
    case Op::NegHalf:
      return half<HalfOp::neg>(in.type);
    default:
      return nullptr;
  }
}
