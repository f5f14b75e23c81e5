// Atomics of every space. Lanes of one instruction act one after the other, upwards or downwards by the seed.
#include <atomic>
#include <bit>
#include <fmt/format.h>
#include <type_traits>

#include "cuda/simt/count/access.h"
#include "cuda/simt/exec/convert.h"
#include "cuda/simt/exec/exec.h"

namespace agon::simt {

namespace {

template <class T>
T float_sum(Type format, T a, T b) {
  return static_cast<T>(round_to(format, number_of(format, a) + number_of(format, b), Rounding::rn));
}
// The sum of f32s must be one rounding of f32s; doubles are their own format.
template <class T>
T sum(Type type, T a, T b) {
  if constexpr (sizeof(T) == 4) {
    if (type == Type::f32) return std::bit_cast<T>(std::bit_cast<float>(a) + std::bit_cast<float>(b));
    if (type == Type::f16x2 || type == Type::bf16x2) {
      const Type half = type == Type::f16x2 ? Type::f16 : Type::bf16;
      return float_sum<T>(half, a & 0xffff, b & 0xffff) | float_sum<T>(half, a >> 16, b >> 16) << 16;
    }
  }
  if constexpr (sizeof(T) == 8)
    if (type == Type::f64) return std::bit_cast<T>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
  if constexpr (sizeof(T) == 2)
    if (type == Type::f16 || type == Type::bf16) return float_sum<T>(type, a, b);
  return static_cast<T>(a + b);
}

template <class T>
T combined(const Instruction& in, T old, T b, T c) {
  using Signed = std::make_signed_t<T>;
  const bool is_signed = in.type == Type::s32 || in.type == Type::s64 || in.type == Type::s16;
  const bool less = is_signed ? static_cast<Signed>(old) < static_cast<Signed>(b) : old < b;
  switch (static_cast<AtomicOp>(in.modifier)) {
    case AtomicOp::add:
      return sum(in.type, old, b);
    case AtomicOp::min:
      return less ? old : b;
    case AtomicOp::max:
      return less ? b : old;
    case AtomicOp::inc:
      return old >= b ? T{0} : static_cast<T>(old + 1);
    case AtomicOp::dec:
      return old == 0 || old > b ? b : static_cast<T>(old - 1);
    case AtomicOp::and_:
      return old & b;
    case AtomicOp::or_:
      return old | b;
    case AtomicOp::xor_:
      return old ^ b;
    case AtomicOp::exch:
      return b;
    case AtomicOp::cas:
      return old == b ? c : old;
  }
  return old;
}

// Reads, combines and writes at once; other host threads may be at the same place.
template <class T>
T update(std::byte* at, const Instruction& in, T b, T c) {
  std::atomic_ref<T> place(*reinterpret_cast<T*>(at));
  T old = place.load(std::memory_order_relaxed);
  while (!place.compare_exchange_weak(old, combined(in, old, b, c), std::memory_order_seq_cst)) {
  }
  return old;
}

template <class T>
using Register = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T>
void act(Warp& w, const Step* s, std::byte* const* pointers, std::uint32_t mask) {
  using R = Register<T>;
  const Instruction& in = *s->in;
  const R* b = lanes<R>(w, s->b);
  const R* c = in.c == no_operand ? b : lanes<R>(w, s->c);
  R old[warp_lanes] = {};
  const bool downwards = w.worker->random() & 1;
  for (int k = 0; k < warp_lanes; ++k) {
    const int i = downwards ? warp_lanes - 1 - k : k;
    if (mask >> i & 1) old[i] = update<T>(pointers[i], in, static_cast<T>(b[i]), static_cast<T>(c[i]));
  }
  if (in.d == no_operand) return;
  R* d = lanes<R>(w, s->d);
  for (int i = 0; i < warp_lanes; ++i)
    if (w.exec >> i & 1) d[i] = old[i];
}

template <class T>
void atomic_in(Warp& w, const Step* s, Space space, const std::uint64_t* address) {
  alignas(64) std::byte* pointers[warp_lanes];
  Worker& worker = *w.worker;
  AccessPattern& pattern = worker.patterns[s->tally];
  if (space == Space::shared) {
    alignas(64) std::uint32_t offset[warp_lanes];
    for (int i = 0; i < warp_lanes; ++i)
      offset[i] = address[i] >> 32 ? 0xfffffff0u : static_cast<std::uint32_t>(address[i]);
    const std::uint32_t mask = admit_shared(w, s, offset, sizeof(T), Access::atomic);
    for (int i = 0; i < warp_lanes; ++i) pointers[i] = w.block->shared + offset[i];
    act<T>(w, s, pointers, mask);
    return;
  }
  const std::uint32_t mask = admit_global(w, s, address, sizeof(T), Access::atomic);
  if (worker.counting) {
    ++worker.counters.global_atomics;
    update_global(pattern, address, w.exec, sizeof(T));
    const std::uint64_t base = address[std::countr_zero(w.exec)];
    for (std::uint32_t run = 0; run < pattern.runs; ++run) {
      const std::uint64_t first = base + static_cast<std::uint64_t>(pattern.run_first[run]);
      worker.run.touch->read(first, pattern.run_bytes[run]);
      worker.run.touch->write(first, pattern.run_bytes[run]);
    }
  }
  for (int i = 0; i < warp_lanes; ++i) pointers[i] = worker.memory.alias(address[i]);
  act<T>(w, s, pointers, mask);
}

template <class T>
const Step* atomic(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  alignas(64) std::uint64_t address[warp_lanes];
  const auto offset = static_cast<std::uint64_t>(std::int64_t{s->immediate});
  for (int i = 0; i < warp_lanes; ++i) {
    const std::uint64_t base = in.a == no_operand          ? 0
                               : s->flags & flag_address32 ? lanes<std::uint32_t>(w, s->a)[i]
                                                           : lanes<std::uint64_t>(w, s->a)[i];
    address[i] = base + offset;
  }
  if (in.space != Space::generic) {
    atomic_in<T>(w, s, in.space, address);
    return s + 1;
  }
  const std::uint32_t everybody = w.exec;
  std::uint32_t in_shared = 0, in_local = 0;
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(everybody >> i & 1)) continue;
    const std::uint64_t window = address[i] & window_mask;
    if (window == shared_window) in_shared |= 1u << i, address[i] -= shared_window;
    if (window == local_window) in_local |= 1u << i;
  }
  if (in_local) stop(w, s, FaultKind::out_of_bounds, in_local, "an atomic on local memory");
  for (const Space space : {Space::shared, Space::global}) {
    w.exec = space == Space::shared ? in_shared : everybody & ~in_shared;
    if (w.exec) atomic_in<T>(w, s, space, address);
  }
  w.exec = everybody;
  return s + 1;
}

}  // namespace

Handler find_atomic(const Instruction& in) {
  if (in.op != Op::Atom || in.space == Space::local || in.space == Space::param || in.count > 1)
    return nullptr;
  switch (in.type) {
    case Type::b16:
    case Type::u16:
    case Type::f16:
    case Type::bf16:
      return atomic<std::uint16_t>;
    case Type::b32:
    case Type::u32:
    case Type::s32:
    case Type::f32:
    case Type::f16x2:
    case Type::bf16x2:
      return atomic<std::uint32_t>;
    case Type::b64:
    case Type::u64:
    case Type::s64:
    case Type::f64:
      return atomic<std::uint64_t>;
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
