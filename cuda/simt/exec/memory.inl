// Loads and stores of every space. Included by foreach_isa.h.
#include "cuda/simt/count/access_pattern.inl"
#include "cuda/simt/exec/elements.inl"

// The addresses that the lanes name.
AGON_SIMT_INLINE void addresses(Warp& w, const Step* s, std::uint64_t* out) {
  const auto offset = static_cast<std::uint64_t>(std::int64_t{s->immediate});
  if (s->in->a == no_operand) {
    for (int i = 0; i < warp_lanes; ++i) out[i] = offset;
  } else if (s->flags & flag_address32) {
    const auto* a = lanes<std::uint32_t>(w, s->a);
    for (int i = 0; i < warp_lanes; ++i) out[i] = a[i] + static_cast<std::uint32_t>(offset);
  } else {
    const auto* a = lanes<std::uint64_t>(w, s->a);
    for (int i = 0; i < warp_lanes; ++i) out[i] = a[i] + offset;
  }
}
// The same as 32-bit offsets into shared or local memory; what does not fit is far out of bounds.
AGON_SIMT_INLINE void offsets(Warp& w, const Step* s, std::uint32_t* out) {
  const auto offset = static_cast<std::uint32_t>(s->immediate);
  if (s->in->a == no_operand) {
    for (int i = 0; i < warp_lanes; ++i) out[i] = offset;
  } else if (s->flags & flag_address32) {
    const auto* a = lanes<std::uint32_t>(w, s->a);
    for (int i = 0; i < warp_lanes; ++i) out[i] = a[i] + offset;
  } else {
    const auto* a = lanes<std::uint64_t>(w, s->a);
    for (int i = 0; i < warp_lanes; ++i) {
      const std::uint64_t address = a[i] + static_cast<std::uint64_t>(std::int64_t{s->immediate});
      out[i] = address >> 32 ? 0xfffffff0u : static_cast<std::uint32_t>(address);
    }
  }
}

// Does an access whose lanes are known: those of `mask` may, the others of w.exec get zero.
template <class E, Direction direction>
AGON_SIMT_INLINE void move(Warp& w, const Step* s, std::byte* const* pointers, std::uint32_t mask,
                           AccessPattern::Shape shape) {
  if constexpr (direction == Direction::out) {
    E::out(w, s, pointers, mask, shape);
  } else {
    E::in(w, s, pointers, mask, shape);
    if (mask != w.exec) E::clear(w, s, w.exec & ~mask);
  }
}

AGON_SIMT_INLINE void pointers_in(std::byte* base, const std::uint32_t* offset, std::byte** out) {
  for (int i = 0; i < warp_lanes; ++i) out[i] = base + offset[i];
}

template <class E, Direction direction, bool constant>
AGON_SIMT_INLINE void access_global(Warp& w, const Step* s, const std::uint64_t* address) {
  const std::uint32_t bytes = E::bytes(s);
  Worker& worker = *w.worker;
  AccessPattern& pattern = worker.patterns[s->tally];
  if (!as_before<31>(pattern, address, w.exec)) analyse_global(pattern, address, w.exec, bytes);
  const std::uint32_t mask = admit_global(w, s, address, bytes, direction == Direction::out);
  if (!constant && worker.counting) count_global(w, address, pattern, direction == Direction::out);
  alignas(64) std::byte* pointers[warp_lanes];
  const std::uint64_t delta = worker.memory.alias_delta();
  for (int i = 0; i < warp_lanes; ++i) pointers[i] = reinterpret_cast<std::byte*>(address[i] + delta);
  if (worker.foreign) {
    for (std::uint32_t left = mask; left; left &= left - 1) {
      const int i = std::countr_zero(left);
      pointers[i] = worker.memory.alias(address[i]);
    }
  }
  move<E, direction>(w, s, pointers, mask, pattern.shape);
}

template <class E, Direction direction>
AGON_SIMT_INLINE void access_shared(Warp& w, const Step* s, const std::uint32_t* offset) {
  const std::uint32_t bytes = E::bytes(s);
  Worker& worker = *w.worker;
  AccessPattern& pattern = worker.patterns[s->tally];
  if (!as_before<3>(pattern, offset, w.exec)) analyse_shared(pattern, offset, w.exec, bytes);
  const std::uint32_t mask = admit_shared(w, s, offset, bytes, direction == Direction::out);
  if (worker.counting) count_shared(worker, pattern);
  alignas(64) std::byte* pointers[warp_lanes];
  pointers_in(w.block->shared, offset, pointers);
  move<E, direction>(w, s, pointers, mask, pattern.shape);
}

template <class E, Direction direction>
AGON_SIMT_INLINE void access_local(Warp& w, const Step* s, const std::uint32_t* offset) {
  const std::uint32_t mask = admit_local(w, s, offset, E::bytes(s), direction == Direction::out);
  const std::uint32_t lane_bytes = w.worker->run.code.kernel.local_bytes;
  alignas(64) std::byte* pointers[warp_lanes];
  for (std::uint32_t i = 0; i < warp_lanes; ++i) pointers[i] = w.local + i * lane_bytes + offset[i];
  move<E, direction>(w, s, pointers, mask, AccessPattern::Shape::other);
}

template <Space space, class E, Direction direction>
const Step* Access(Warp& w, const Step* s) {
  if constexpr (space == Space::global || space == Space::constant) {
    alignas(64) std::uint64_t address[warp_lanes];
    addresses(w, s, address);
    access_global<E, direction, space == Space::constant>(w, s, address);
  } else {
    alignas(64) std::uint32_t offset[warp_lanes];
    offsets(w, s, offset);
    if constexpr (space == Space::shared)
      access_shared<E, direction>(w, s, offset);
    else
      access_local<E, direction>(w, s, offset);
  }
  return s + 1;
}

// Element `e` of the kernel's parameters at a byte offset; zero behind their end.
inline std::uint64_t parameter(Warp& w, const Step* s, std::uint64_t at, std::uint32_t e) {
  const auto params = w.worker->run.launch.params;
  at += std::uint64_t{e} * s->in->width;
  return at < params.size() && s->in->width <= params.size() - at
             ? AnyElements::extended(*s->in, params.data() + at)
             : 0;
}

inline void load_parameters(Warp& w, const Step* s, const std::uint64_t* address, std::uint32_t mask) {
  for (std::uint32_t left = mask; left; left &= left - 1) {
    const int i = std::countr_zero(left);
    for (std::uint32_t e = 0; e < AnyElements::count(s); ++e) {
      AnyElements::put(w, s, AnyElements::place(s, e, s->d), i, parameter(w, s, address[i], e));
    }
  }
}

// Generic addresses: the lanes of one window after those of another.
template <class E, Direction direction>
const Step* AccessGeneric(Warp& w, const Step* s) {
  alignas(64) std::uint64_t address[warp_lanes];
  addresses(w, s, address);
  std::uint32_t everybody = w.exec;
  if constexpr (direction == Direction::in) {
    const std::uint32_t in_params = everybody & lanes_where([&](int i) AGON_SIMT_LAMBDA {
                                      return (address[i] & window_mask) == param_window;
                                    });
    if (in_params) {
      for (int i = 0; i < warp_lanes; ++i) {
        if (in_params >> i & 1) address[i] -= param_window;
      }
      load_parameters(w, s, address, in_params);
      everybody &= ~in_params;
    }
  }
  const std::uint32_t all = w.exec;
  const auto kind = [](Space space) {
    if (space == Space::local) return InstructionKind::local;
    if (space == Space::shared)
      return direction == Direction::in ? InstructionKind::shared_load : InstructionKind::shared_store;
    return direction == Direction::in ? InstructionKind::global_load : InstructionKind::global_store;
  };
  for (const Space space : {Space::global, Space::shared, Space::local}) {
    const std::uint64_t window = space == Space::shared  ? shared_window
                                 : space == Space::local ? local_window
                                                         : 0;
    w.exec =
        everybody & lanes_where([&](int i) AGON_SIMT_LAMBDA { return (address[i] & window_mask) == window; });
    if (!w.exec) continue;
    if (w.worker->counting) ++w.worker->counters.instructions[static_cast<std::size_t>(kind(space))];
    if (space == Space::global) {
      access_global<E, direction, false>(w, s, address);
      continue;
    }
    alignas(64) std::uint32_t offset[warp_lanes];
    for (int i = 0; i < warp_lanes; ++i) {
      const std::uint64_t inside = address[i] - window;
      offset[i] = inside >> 32 ? 0xfffffff0u : static_cast<std::uint32_t>(inside);
    }
    if (space == Space::shared)
      access_shared<E, direction>(w, s, offset);
    else
      access_local<E, direction>(w, s, offset);
  }
  w.exec = all;
  return s + 1;
}

template <Space space, Direction direction>
Handler common(const Instruction& in) {
  using U16 = std::uint16_t;
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  const bool wide = in.flags & flag_wide;
  const int count = in.count > 1 ? in.count : 1;
  if (in.width == 4 && !wide) {
    if (count == 1) return Access<space, Elements<U32, U32, 1>, direction>;
    if (count == 2) return Access<space, Elements<U32, U32, 2>, direction>;
    if (count == 4) return Access<space, Elements<U32, U32, 4>, direction>;
  }
  if (in.width == 8 && count == 1) return Access<space, Elements<U64, U64, 1>, direction>;
  if (in.width == 8 && count == 2) return Access<space, Elements<U64, U64, 2>, direction>;
  if (in.width == 2 && count == 1 && !wide && in.type != Type::s16)
    return Access<space, Elements<U16, U32, 1>, direction>;
  return Access<space, AnyElements, direction>;
}

// A kernel's parameter: the same for all lanes where its place is fixed.
const Step* LdParam(Warp& w, const Step* s) {
  if (s->in->a == no_operand) {
    for (std::uint32_t e = 0; e < AnyElements::count(s); ++e) {
      const std::uint64_t value = parameter(w, s, static_cast<std::uint64_t>(std::int64_t{s->immediate}), e);
      const std::uint32_t to = AnyElements::place(s, e, s->d);
      if (s->flags & flag_wide)
        fill_lanes<std::uint64_t>(lanes<std::uint64_t>(w, to), w.exec,
                                  [=](int) AGON_SIMT_LAMBDA { return value; });
      else
        fill_lanes<std::uint32_t>(lanes<std::uint32_t>(w, to), w.exec,
                                  [=](int) AGON_SIMT_LAMBDA { return static_cast<std::uint32_t>(value); });
    }
  } else {
    alignas(64) std::uint64_t address[warp_lanes];
    addresses(w, s, address);
    load_parameters(w, s, address, w.exec);
  }
  return s + 1;
}

Handler find(const Instruction& in) {
  constexpr Direction load = Direction::in, store = Direction::out;
  if (in.op >= Op::LdGlobal && in.op <= Op::StGeneric && in.width != 1 && in.width != 2 && in.width != 4 &&
      in.width != 8)
    return nullptr;
  switch (in.op) {
    case Op::LdGlobal:
      return common<Space::global, load>(in);
    case Op::StGlobal:
      return common<Space::global, store>(in);
    case Op::LdShared:
      return common<Space::shared, load>(in);
    case Op::StShared:
      return common<Space::shared, store>(in);
    case Op::LdLocal:
      return Access<Space::local, AnyElements, load>;
    case Op::StLocal:
      return Access<Space::local, AnyElements, store>;
    case Op::LdConst:
      return Access<Space::constant, AnyElements, load>;
    case Op::LdGeneric:
      return AccessGeneric<AnyElements, load>;
    case Op::StGeneric:
      return AccessGeneric<AnyElements, store>;
    case Op::LdParam:
      return LdParam;
    default:
      return nullptr;
  }
}
