// Moves, packing and the conversions that kernels use most, over whole warps. The others go lane by lane
// through convert.h. Included by foreach_isa.h.
#include "cuda/simt/exec/half.inl"

template <class T>
const Step* Mov(Warp& w, const Step* s) {
  return unary<T, T>(w, s, [](T a) AGON_SIMT_LAMBDA { return a; });
}

// Sign- or zero-extends, or drops bits, as C++ does.
template <class D, class A>
const Step* Cast(Warp& w, const Step* s) {
  return unary<D, A>(w, s, [](A a) AGON_SIMT_LAMBDA { return static_cast<D>(a); });
}
const Step* FloatToBf16(Warp& w, const Step* s) {
  return unary<std::uint32_t, float>(w, s, [](float a) AGON_SIMT_LAMBDA { return to_bf16(a); });
}
const Step* FloatToF16(Warp& w, const Step* s) {
  return unary<std::uint32_t, float>(w, s, [](float a) AGON_SIMT_LAMBDA { return to_f16(a); });
}
const Step* FloatToTf32(Warp& w, const Step* s) {
  return unary<std::uint32_t, float>(w, s, [](float a) AGON_SIMT_LAMBDA { return to_tf32(a); });
}
const Step* Bf16ToFloat(Warp& w, const Step* s) {
  return unary<float, std::uint32_t>(w, s, [](std::uint32_t a) AGON_SIMT_LAMBDA { return from_bf16(a); });
}
const Step* F16ToFloat(Warp& w, const Step* s) {
  return unary<float, std::uint32_t>(w, s,
                                     [](std::uint32_t a) AGON_SIMT_LAMBDA { return from_f16(a & 0xffff); });
}

template <class Format, bool toward_zero>
const Step* CvtPack(Warp& w, const Step* s) {
  const bool relu = s->flags & flag_relu;
  return binary<std::uint32_t, float>(w, s, [=](float a, float b) AGON_SIMT_LAMBDA {
    const auto narrow = [=](float x) AGON_SIMT_LAMBDA {
      std::uint32_t r;
      if constexpr (toward_zero)
        r = std::is_same_v<Format, F16> ? to_f16_rz(x) : to_bf16_rz(x);
      else
        r = Format::narrow(x);
      return relu && (r & 0x8000) ? 0 : r;
    };
    return narrow(a) << 16 | narrow(b);
  });
}

// Pack and Unpack by the width of an element: 8, 16 or 32 bits, in 32 or 64.
template <class D, unsigned width>
const Step* Pack(Warp& w, const Step* s) {
  const int count = s->in->count;
  D results[warp_lanes] = {};
  for (int e = 0; e < count; ++e) {
    const auto* a = lanes<std::uint32_t>(w, s->list[e]);
    const D mask = width >= 32 ? D{all_lanes} : (D{1} << (width & 31)) - 1;
    for (int i = 0; i < warp_lanes; ++i)
      results[i] |= static_cast<D>((D{a[i]} & mask) << (e * static_cast<int>(width)));
  }
  fill_lanes<D>(lanes<D>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA { return results[i]; });
  return s + 1;
}
template <class A, unsigned width>
const Step* Unpack(Warp& w, const Step* s) {
  const int count = s->in->count;
  A source[warp_lanes];
  const A* a = lanes<A>(w, s->a);
  for (int i = 0; i < warp_lanes; ++i) source[i] = a[i];
  const std::int32_t* slots = w.worker->run.code.kernel.operands.data() + s->in->list;
  for (int e = 0; e < count; ++e) {
    if (slots[e] == no_operand) continue;
    const std::uint32_t mask = width >= 32 ? all_lanes : (1u << (width & 31)) - 1;
    fill_lanes<std::uint32_t>(lanes<std::uint32_t>(w, s->list[e]), w.exec, [&](int i) AGON_SIMT_LAMBDA {
      return static_cast<std::uint32_t>(source[i] >> (e * static_cast<int>(width))) & mask;
    });
  }
  return s + 1;
}

std::uint64_t window_of(Space space) {
  switch (space) {
    case Space::shared:
      return shared_window;
    case Space::local:
      return local_window;
    case Space::param:
      return param_window;
    default:
      return 0;
  }
}

const Step* CvtaToGeneric(Warp& w, const Step* s) {
  const std::uint64_t window = window_of(s->in->space);
  return unary<std::uint64_t, std::uint64_t>(w, s,
                                             [=](std::uint64_t a) AGON_SIMT_LAMBDA { return a + window; });
}
const Step* CvtaFromGeneric(Warp& w, const Step* s) {
  const std::uint64_t window = window_of(s->in->space);
  return unary<std::uint64_t, std::uint64_t>(w, s,
                                             [=](std::uint64_t a) AGON_SIMT_LAMBDA { return a - window; });
}
const Step* Isspacep(Warp& w, const Step* s) {
  const Space space = s->in->space;
  const std::uint64_t* a = lanes<std::uint64_t>(w, s->a);
  const std::uint64_t window = space == Space::shared  ? shared_window
                               : space == Space::local ? local_window
                                                       : 0;
  set_predicate(w, s->in->d,
                lanes_where([&](int i) AGON_SIMT_LAMBDA { return (a[i] & window_mask) == window; }));
  return s + 1;
}

Handler cvt(const Instruction& in) {
  const Type to = in.type, from = in.source_type;
  if (in.flags & (flag_saturate | flag_relu | flag_ftz)) return nullptr;
  using U16 = std::uint16_t;
  using S16 = std::int16_t;
  using U32 = std::uint32_t;
  using S32 = std::int32_t;
  using U64 = std::uint64_t;
  using S64 = std::int64_t;
  const bool to64 = to == Type::u64 || to == Type::s64 || to == Type::b64;
  const bool to32 = to == Type::u32 || to == Type::s32 || to == Type::b32;
  const bool to16 = to == Type::u16 || to == Type::s16 || to == Type::b16;
  if (to64) {
    if (from == Type::u32 || from == Type::b32) return Cast<U64, U32>;
    if (from == Type::s32) return Cast<S64, S32>;
    if (from == Type::u16) return Cast<U64, U16>;
    if (from == Type::s16) return Cast<S64, S16>;
    if (from == Type::u64 || from == Type::s64) return Mov<U64>;
  }
  if (to32) {
    if (from == Type::u64 || from == Type::s64) return Cast<U32, U64>;
    if (from == Type::u32 || from == Type::s32) return Mov<U32>;
    if (from == Type::u16) return Cast<U32, U16>;
    if (from == Type::s16) return Cast<S32, S16>;
  }
  if (to16) {
    if (from == Type::u32 || from == Type::s32) return Cast<U16, U32>;
    if (from == Type::u64 || from == Type::s64) return Cast<U16, U64>;
  }
  if (to == Type::f32) {
    if (from == Type::bf16) return Bf16ToFloat;
    if (from == Type::f16) return F16ToFloat;
    if (in.rounding == Rounding::rn) {
      if (from == Type::s32) return Cast<float, S32>;
      if (from == Type::u32) return Cast<float, U32>;
      if (from == Type::f64) return Cast<float, double>;
    }
  }
  if (to == Type::f64) {
    if (from == Type::f32) return Cast<double, float>;
    if (from == Type::s32) return Cast<double, S32>;
    if (from == Type::u32) return Cast<double, U32>;
  }
  if (from == Type::f32) {
    if (to == Type::bf16 && in.rounding == Rounding::rn) return FloatToBf16;
    if (to == Type::f16 && in.rounding == Rounding::rn) return FloatToF16;
    if (to == Type::tf32 && in.rounding == Rounding::rna) return FloatToTf32;
  }
  return nullptr;
}

Handler find(const Instruction& in) {
  const bool wide = in.flags & flag_wide;
  switch (in.op) {
    case Op::Mov32:
      return Mov<std::uint32_t>;
    case Op::Mov64:
      return Mov<std::uint64_t>;
    case Op::Pack:
      if (in.width == 4) return wide ? Pack<std::uint64_t, 32> : nullptr;
      if (in.width == 2) return wide ? Pack<std::uint64_t, 16> : Pack<std::uint32_t, 16>;
      if (in.width == 1) return wide ? Pack<std::uint64_t, 8> : Pack<std::uint32_t, 8>;
      return nullptr;
    case Op::Unpack:
      if (in.width == 4) return wide ? Unpack<std::uint64_t, 32> : nullptr;
      if (in.width == 2) return wide ? Unpack<std::uint64_t, 16> : Unpack<std::uint32_t, 16>;
      if (in.width == 1) return wide ? Unpack<std::uint64_t, 8> : Unpack<std::uint32_t, 8>;
      return nullptr;
    case Op::CvtPack: {
      const bool zero = in.rounding == Rounding::rz;
      if (in.type == Type::f16x2) return zero ? CvtPack<F16, true> : CvtPack<F16, false>;
      if (in.type == Type::bf16x2) return zero ? CvtPack<Bf16, true> : CvtPack<Bf16, false>;
      return nullptr;
    }
    case Op::Cvt:
      return cvt(in);
    case Op::CvtaToGeneric:
      return CvtaToGeneric;
    case Op::CvtaFromGeneric:
      return CvtaFromGeneric;
    case Op::Isspacep:
      return Isspacep;
    default:
      return nullptr;
  }
}
