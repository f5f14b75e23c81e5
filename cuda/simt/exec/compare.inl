// Comparisons, selections and predicates. Included by foreach_isa.h.
#include "cuda/simt/exec/half.inl"

template <Compare compare, class T>
AGON_SIMT_INLINE bool holds(T a, T b) {
  const bool unordered = a != a || b != b;
  switch (compare) {
    case Compare::eq:
      return a == b;
    case Compare::ne:
      return a != b && !unordered;
    case Compare::lt:
      return a < b;
    case Compare::le:
      return a <= b;
    case Compare::gt:
      return a > b;
    case Compare::ge:
      return a >= b;
    case Compare::equ:
      return a == b || unordered;
    case Compare::neu:
      return a != b;
    case Compare::ltu:
      return !(a >= b);
    case Compare::leu:
      return !(a > b);
    case Compare::gtu:
      return !(a <= b);
    case Compare::geu:
      return !(a < b);
    case Compare::num:
      return !unordered;
    case Compare::nan:
      return unordered;
  }
  return false;
}

// The lanes in which read_a(i) compares with read_b(i).
template <class A, class B>
AGON_SIMT_INLINE std::uint32_t compared(Compare compare, A a, B b) {
  switch (compare) {
#define CASE(name)    \
  case Compare::name: \
    return lanes_where([&](int i) AGON_SIMT_LAMBDA { return holds<Compare::name>(a(i), b(i)); });
    CASE(eq)
    CASE(ne) CASE(lt) CASE(le) CASE(gt) CASE(ge) CASE(equ) CASE(neu) CASE(ltu) CASE(leu) CASE(gtu) CASE(geu)
        CASE(num) CASE(nan)
#undef CASE
  }
  return 0;
}

// Operands of type T as they are compared.
template <class T>
AGON_SIMT_INLINE std::uint32_t compare_lanes(Warp& w, const Step* s, Compare compare) {
  const auto* a = lanes<Slot<T>>(w, s->a);
  const auto* b = lanes<Slot<T>>(w, s->b);
  const bool ftz = s->flags & flag_ftz;
  const auto read = [ftz](const Slot<T>* from) {
    return [from, ftz](int i) AGON_SIMT_LAMBDA {
      T value = static_cast<T>(from[i]);
      if constexpr (std::is_same_v<T, float>)
        if (ftz && !(bits_of(value) & 0x7f800000u)) value = 0.0f;
      return value;
    };
  };
  return compared(compare, read(a), read(b));
}
template <class Format>
AGON_SIMT_INLINE std::uint32_t compare_halves(Warp& w, const Step* s, Compare compare, int shift) {
  const auto read = [shift](const std::uint32_t* from) {
    return [from, shift](int i) AGON_SIMT_LAMBDA { return Format::widen(from[i] >> shift & 0xffff); };
  };
  return compared(compare, read(lanes<std::uint32_t>(w, s->a)), read(lanes<std::uint32_t>(w, s->b)));
}

AGON_SIMT_INLINE std::uint32_t joined(BoolOp op, std::uint32_t a, std::uint32_t c) {
  switch (op) {
    case BoolOp::none:
      return a;
    case BoolOp::and_:
      return a & c;
    case BoolOp::or_:
      return a | c;
    case BoolOp::xor_:
      return a ^ c;
  }
  return a;
}
AGON_SIMT_INLINE std::uint32_t third(const Warp& w, const Instruction& in) {
  return in.bool_op == BoolOp::none ? 0 : predicate(w, static_cast<std::uint32_t>(in.c));
}

template <class T, Compare compare>
const Step* Setp(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  const std::uint32_t result = compare_lanes<T>(w, s, compare), c = third(w, in);
  if (in.d != no_operand) set_predicate(w, in.d, joined(in.bool_op, result, c));
  if (in.d2 != no_operand) set_predicate(w, in.d2, joined(in.bool_op, ~result, c));
  return s + 1;
}
template <class T>
Handler setp(Compare compare) {
  switch (compare) {
#define CASE(name)    \
  case Compare::name: \
    return Setp<T, Compare::name>;
    CASE(eq) CASE(ne) CASE(lt) CASE(le) CASE(gt) CASE(ge) default : break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (compare) {
      CASE(equ)
      CASE(neu) CASE(ltu) CASE(leu) CASE(gtu) CASE(geu) CASE(num) CASE(nan)
#undef CASE
          default : break;
    }
  }
  return nullptr;
}

template <class Format, bool pair>
const Step* SetpHalf(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  const std::uint32_t c = third(w, in), low = compare_halves<Format>(w, s, in.compare, 0);
  const std::uint32_t second = pair ? compare_halves<Format>(w, s, in.compare, 16) : ~low;
  if (in.d != no_operand) set_predicate(w, in.d, joined(in.bool_op, low, c));
  if (in.d2 != no_operand) set_predicate(w, in.d2, joined(in.bool_op, second, c));
  return s + 1;
}
Handler setp_half(Type type) {
  switch (type) {
    case Type::f16:
      return SetpHalf<F16, false>;
    case Type::f16x2:
      return SetpHalf<F16, true>;
    case Type::bf16:
      return SetpHalf<Bf16, false>;
    case Type::bf16x2:
      return SetpHalf<Bf16, true>;
    default:
      return nullptr;
  }
}

// set: writes a register. Halves write 1.0, or all ones for integer results, into each half.
const Step* Set(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  std::uint32_t low = 0, high = 0;
  bool pair = false;
  switch (in.source_type) {
    case Type::b16:
    case Type::u16:
      low = compare_lanes<std::uint16_t>(w, s, in.compare);
      break;
    case Type::s16:
      low = compare_lanes<std::int16_t>(w, s, in.compare);
      break;
    case Type::b32:
    case Type::u32:
      low = compare_lanes<std::uint32_t>(w, s, in.compare);
      break;
    case Type::s32:
      low = compare_lanes<std::int32_t>(w, s, in.compare);
      break;
    case Type::b64:
    case Type::u64:
      low = compare_lanes<std::uint64_t>(w, s, in.compare);
      break;
    case Type::s64:
      low = compare_lanes<std::int64_t>(w, s, in.compare);
      break;
    case Type::f32:
      low = compare_lanes<float>(w, s, in.compare);
      break;
    case Type::f64:
      low = compare_lanes<double>(w, s, in.compare);
      break;
    case Type::f16:
      low = compare_halves<F16>(w, s, in.compare, 0);
      break;
    case Type::bf16:
      low = compare_halves<Bf16>(w, s, in.compare, 0);
      break;
    case Type::f16x2:
    case Type::bf16x2:
      pair = true;
      for (int half = 0; half < 2; ++half)
        (half ? high : low) = in.source_type == Type::f16x2
                                  ? compare_halves<F16>(w, s, in.compare, 16 * half)
                                  : compare_halves<Bf16>(w, s, in.compare, 16 * half);
      break;
    default:
      break;
  }
  const std::uint32_t c = third(w, in);
  low = joined(in.bool_op, low, c);
  high = pair ? joined(in.bool_op, high, c) : 0;
  const std::uint32_t one = in.type == Type::f32                                   ? 0x3f800000u
                            : in.type == Type::f16 || in.type == Type::f16x2       ? F16::one
                            : in.type == Type::bf16 || in.type == Type::bf16x2     ? Bf16::one
                            : pair || in.type == Type::u16 || in.type == Type::s16 ? 0xffffu
                                                                                   : all_lanes;
  fill_lanes<std::uint32_t>(lanes<std::uint32_t>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    return (low >> i & 1 ? one : 0) | (high >> i & 1 ? one << 16 : 0);
  });
  return s + 1;
}

template <class T>
const Step* Selp(Warp& w, const Step* s) {
  const std::uint32_t c = predicate(w, static_cast<std::uint32_t>(s->in->c));
  const T *a = lanes<T>(w, s->a), *b = lanes<T>(w, s->b);
  fill_lanes<T>(lanes<T>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    const T x = a[i], y = b[i];
    return c >> i & 1 ? x : y;
  });
  return s + 1;
}
template <class T, class C>
const Step* Slct(Warp& w, const Step* s) {
  return ternary<T, T, C>(w, s, [](T a, T b, C c) AGON_SIMT_LAMBDA { return c >= 0 ? a : b; });
}

AGON_SIMT_INLINE std::uint32_t source(const Warp& w, std::int32_t operand) {
  return predicate(w, static_cast<std::uint32_t>(operand));
}
const Step* AndPred(Warp& w, const Step* s) {
  set_predicate(w, s->in->d, source(w, s->in->a) & source(w, s->in->b));
  return s + 1;
}
const Step* OrPred(Warp& w, const Step* s) {
  set_predicate(w, s->in->d, source(w, s->in->a) | source(w, s->in->b));
  return s + 1;
}
const Step* XorPred(Warp& w, const Step* s) {
  set_predicate(w, s->in->d, source(w, s->in->a) ^ source(w, s->in->b));
  return s + 1;
}
const Step* NotPred(Warp& w, const Step* s) {
  set_predicate(w, s->in->d, ~source(w, s->in->a));
  return s + 1;
}
const Step* MovPred(Warp& w, const Step* s) {
  set_predicate(w, s->in->d, source(w, s->in->a));
  return s + 1;
}

Handler find(const Instruction& in) {
  switch (in.op) {
    case Op::SetpS16:
      return setp<std::int16_t>(in.compare);
    case Op::SetpU16:
      return setp<std::uint16_t>(in.compare);
    case Op::SetpS32:
      return setp<std::int32_t>(in.compare);
    case Op::SetpU32:
      return setp<std::uint32_t>(in.compare);
    case Op::SetpS64:
      return setp<std::int64_t>(in.compare);
    case Op::SetpU64:
      return setp<std::uint64_t>(in.compare);
    case Op::SetpF32:
      return setp<float>(in.compare);
    case Op::SetpF64:
      return setp<double>(in.compare);
    case Op::SetpHalf:
      return setp_half(in.type);
    case Op::Set:
      return Set;
    case Op::Selp32:
      return Selp<std::uint32_t>;
    case Op::Selp64:
      return Selp<std::uint64_t>;
    case Op::SlctS32:
      return Slct<std::uint32_t, std::int32_t>;
    case Op::SlctF32:
      return Slct<std::uint32_t, float>;
    case Op::SlctS64:
      return Slct<std::uint64_t, std::int32_t>;
    case Op::SlctF64:
      return Slct<std::uint64_t, float>;
    case Op::AndPred:
      return AndPred;
    case Op::OrPred:
      return OrPred;
    case Op::XorPred:
      return XorPred;
    case Op::NotPred:
      return NotPred;
    case Op::MovPred:
      return MovPred;
    default:
      return nullptr;
  }
}
