// What loads and stores move between memory and registers. Included by memory.inl.

template <class M>
AGON_SIMT_INLINE M load_from(const std::byte* p) {
  M value;
  std::memcpy(&value, p, sizeof(M));
  return value;
}

enum class Direction { in, out };

// Four words from each lane's pointer into four registers: four lanes at a time, transposed.
typedef std::uint32_t Quad __attribute__((vector_size(16), aligned(4)));
AGON_SIMT_INLINE void load_quads(std::uint32_t* const* d, std::byte* const* from) {
  for (int i = 0; i < warp_lanes; i += 4) {
    const Quad a = load_from<Quad>(from[i]), b = load_from<Quad>(from[i + 1]);
    const Quad c = load_from<Quad>(from[i + 2]), e = load_from<Quad>(from[i + 3]);
    const Quad ab_low = __builtin_shuffle(a, b, Quad{0, 4, 1, 5}),
               ab_high = __builtin_shuffle(a, b, Quad{2, 6, 3, 7});
    const Quad ce_low = __builtin_shuffle(c, e, Quad{0, 4, 1, 5}),
               ce_high = __builtin_shuffle(c, e, Quad{2, 6, 3, 7});
    const Quad columns[] = {__builtin_shuffle(ab_low, ce_low, Quad{0, 1, 4, 5}),
                            __builtin_shuffle(ab_low, ce_low, Quad{2, 3, 6, 7}),
                            __builtin_shuffle(ab_high, ce_high, Quad{0, 1, 4, 5}),
                            __builtin_shuffle(ab_high, ce_high, Quad{2, 3, 6, 7})};
    for (int k = 0; k < 4; ++k) std::memcpy(d[k] + i, &columns[k], sizeof(Quad));
  }
}

// What an access moves: `count` elements M a lane, each from or to a register of R.
template <class M, class R, int count>
struct Elements {
  static constexpr std::uint32_t bytes(const Step*) { return sizeof(M) * count; }
  static constexpr int step = sizeof(M);

  AGON_SIMT_INLINE static void in(Warp& w, const Step* s, std::byte* const* from, std::uint32_t mask,
                                  AccessPattern::Shape shape) {
    const std::uint32_t* list = count > 1 ? s->list : &s->d;
    R* d[count];
    for (int e = 0; e < count; ++e) d[e] = lanes<R>(w, list[e]);
    if (mask != all_lanes) {
      for (std::uint32_t left = mask; left; left &= left - 1) {
        const int i = std::countr_zero(left);
        for (int e = 0; e < count; ++e) d[e][i] = static_cast<R>(load_from<M>(from[i] + e * step));
      }
    } else if (shape == AccessPattern::Shape::uniform) {
      for (int e = 0; e < count; ++e) {
        const R value = static_cast<R>(load_from<M>(from[0] + e * step));
        for (int i = 0; i < warp_lanes; ++i) d[e][i] = value;
      }
    } else if (count == 1 && sizeof(M) == sizeof(R) && shape == AccessPattern::Shape::contiguous) {
      std::memcpy(d[0], from[0], sizeof(R) * warp_lanes);
    } else if constexpr (count == 4 && std::is_same_v<M, std::uint32_t> && std::is_same_v<R, std::uint32_t>) {
      load_quads(d, from);
    } else {
      for (int i = 0; i < warp_lanes; ++i)
        for (int e = 0; e < count; ++e) d[e][i] = static_cast<R>(load_from<M>(from[i] + e * step));
    }
  }
  AGON_SIMT_INLINE static void clear(Warp& w, const Step* s, std::uint32_t mask) {
    for (int e = 0; e < count; ++e) {
      R* d = lanes<R>(w, count > 1 ? s->list[e] : s->d);
      for (std::uint32_t left = mask; left; left &= left - 1) d[std::countr_zero(left)] = 0;
    }
  }
  AGON_SIMT_INLINE static void out(Warp& w, const Step* s, std::byte* const* to, std::uint32_t mask,
                                   AccessPattern::Shape shape) {
    const std::uint32_t* list = count > 1 ? s->list : &s->b;
    const R* b[count];
    for (int e = 0; e < count; ++e) b[e] = lanes<R>(w, list[e]);
    if (count == 1 && sizeof(M) == sizeof(R) && mask == all_lanes &&
        shape == AccessPattern::Shape::contiguous) {
      std::memcpy(to[0], b[0], sizeof(R) * warp_lanes);
      return;
    }
    for (std::uint32_t left = mask; left; left &= left - 1) {
      const int i = std::countr_zero(left);
      for (int e = 0; e < count; ++e) {
        const M value = static_cast<M>(b[e][i]);
        std::memcpy(to[i] + e * step, &value, sizeof(M));
      }
    }
  }
};

// Any other combination, as the instruction says.
struct AnyElements {
  static std::uint32_t bytes(const Step* s) { return s->in->width * count(s); }
  static std::uint32_t count(const Step* s) { return s->in->count > 1 ? s->in->count : 1; }
  static bool wide(const Step* s) { return s->flags & flag_wide; }

  static std::uint64_t extended(const Instruction& in, const std::byte* from) {
    const bool is_signed = in.type == Type::s8 || in.type == Type::s16 || in.type == Type::s32;
    const auto as = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
    switch (in.width) {
      case 1:
        return is_signed ? as(load_from<std::int8_t>(from)) : load_from<std::uint8_t>(from);
      case 2:
        return is_signed ? as(load_from<std::int16_t>(from)) : load_from<std::uint16_t>(from);
      case 4:
        return is_signed ? as(load_from<std::int32_t>(from)) : load_from<std::uint32_t>(from);
      default:
        return load_from<std::uint64_t>(from);
    }
  }
  static void put(Warp& w, const Step* s, std::uint32_t at, int lane, std::uint64_t value) {
    if (wide(s))
      lanes<std::uint64_t>(w, at)[lane] = value;
    else
      lanes<std::uint32_t>(w, at)[lane] = static_cast<std::uint32_t>(value);
  }
  static std::uint32_t place(const Step* s, std::uint32_t e, std::uint32_t single) {
    return s->in->count > 1 ? s->list[e] : single;
  }
  static void in(Warp& w, const Step* s, std::byte* const* from, std::uint32_t mask, AccessPattern::Shape) {
    for (std::uint32_t left = mask; left; left &= left - 1) {
      const int i = std::countr_zero(left);
      for (std::uint32_t e = 0; e < count(s); ++e)
        put(w, s, place(s, e, s->d), i, extended(*s->in, from[i] + e * s->in->width));
    }
  }
  static void clear(Warp& w, const Step* s, std::uint32_t mask) {
    for (std::uint32_t left = mask; left; left &= left - 1)
      for (std::uint32_t e = 0; e < count(s); ++e) put(w, s, place(s, e, s->d), std::countr_zero(left), 0);
  }
  static void out(Warp& w, const Step* s, std::byte* const* to, std::uint32_t mask, AccessPattern::Shape) {
    for (std::uint32_t left = mask; left; left &= left - 1) {
      const int i = std::countr_zero(left);
      for (std::uint32_t e = 0; e < count(s); ++e) {
        const std::uint32_t at = place(s, e, s->b);
        const std::uint64_t value = wide(s) ? lanes<std::uint64_t>(w, at)[i] : lanes<std::uint32_t>(w, at)[i];
        std::memcpy(to[i] + e * s->in->width, &value, s->in->width);
      }
    }
  }
};
