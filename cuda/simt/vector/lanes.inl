// Loops over the 32 lanes of a warp, written for the vectoriser. Included by foreach_isa.h for each
// instruction set; a destination is the very register of a source or apart from it, so lanes do not depend on
// each other.

// How a value of type T lies in a register: 16-bit ones zero-extended to 32 bits.
template <class T>
struct SlotOf {
  using type = T;
};
template <>
struct SlotOf<std::int16_t> {
  using type = std::uint32_t;
};
template <>
struct SlotOf<std::uint16_t> {
  using type = std::uint32_t;
};
template <class T>
using Slot = typename SlotOf<T>::type;

template <class T>
AGON_SIMT_INLINE Slot<T> to_slot(T value) {
  if constexpr (sizeof(T) == 2)
    return static_cast<std::uint16_t>(value);
  else
    return value;
}

// d[i] = f(i) in the lanes of `mask`.
template <class D, class F>
AGON_SIMT_INLINE void fill_lanes(Slot<D>* d, std::uint32_t mask, F f) {
  if (mask == all_lanes) {
#pragma GCC ivdep
    for (int i = 0; i < warp_lanes; ++i) d[i] = to_slot<D>(f(i));
  } else {
#pragma GCC ivdep
    for (int i = 0; i < warp_lanes; ++i) {
      const Slot<D> value = to_slot<D>(f(i));
      d[i] = (mask >> i & 1) ? value : d[i];
    }
  }
}

template <class D, class A, class F>
AGON_SIMT_INLINE const Step* unary(Warp& w, const Step* s, F f) {
  const auto* a = lanes<Slot<A>>(w, s->a);
  fill_lanes<D>(lanes<Slot<D>>(w, s->d), w.exec,
                [&](int i) AGON_SIMT_LAMBDA { return f(static_cast<A>(a[i])); });
  return s + 1;
}

template <class D, class A, class F>
AGON_SIMT_INLINE const Step* binary(Warp& w, const Step* s, F f) {
  const auto* a = lanes<Slot<A>>(w, s->a);
  const auto* b = lanes<Slot<A>>(w, s->b);
  fill_lanes<D>(lanes<Slot<D>>(w, s->d), w.exec,
                [&](int i) AGON_SIMT_LAMBDA { return f(static_cast<A>(a[i]), static_cast<A>(b[i])); });
  return s + 1;
}

// The third operand has a type of its own (the wide mads; shifts have it second).
template <class D, class A, class C, class F>
AGON_SIMT_INLINE const Step* ternary(Warp& w, const Step* s, F f) {
  const auto* a = lanes<Slot<A>>(w, s->a);
  const auto* b = lanes<Slot<A>>(w, s->b);
  const auto* c = lanes<Slot<C>>(w, s->c);
  fill_lanes<D>(lanes<Slot<D>>(w, s->d), w.exec, [&](int i) AGON_SIMT_LAMBDA {
    return f(static_cast<A>(a[i]), static_cast<A>(b[i]), static_cast<C>(c[i]));
  });
  return s + 1;
}

// The lanes for which f(i) holds.
template <class F>
AGON_SIMT_INLINE std::uint32_t lanes_where(F f) {
  std::uint32_t bits[warp_lanes];
  for (int i = 0; i < warp_lanes; ++i) bits[i] = f(i) ? std::uint32_t{1} << i : 0;
  std::uint32_t mask = 0;
  for (int i = 0; i < warp_lanes; ++i) mask |= bits[i];
  return mask;
}
