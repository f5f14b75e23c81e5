#include <bit>
#include <cstdint>
#include <type_traits>

#include "cuda/simt/exec/convert.h"
#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/worker.h"
#include "cuda/simt/vector/isa.h"

#define AGON_SIMT_FILE "cuda/simt/exec/cvt.inl"
#include "cuda/simt/vector/foreach_isa.h"

namespace agon::simt {

namespace {

bool is_64bit(Type type) {
  return type == Type::u64 || type == Type::s64 || type == Type::b64 || type == Type::f64;
}
// Narrower integers lie sign- or zero-extended in their register; what extends them is the type's signedness.
std::uint64_t extended(Type type, std::uint64_t value, bool wide) {
  std::int64_t whole = static_cast<std::int64_t>(value);
  if (type == Type::s8) whole = static_cast<std::int8_t>(value);
  if (type == Type::s16 && wide) whole = static_cast<std::int16_t>(value);
  if (type == Type::s32) whole = static_cast<std::int32_t>(value);
  return static_cast<std::uint64_t>(whole);
}

const Step* convert_lanes(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  const bool wide_source = is_64bit(in.source_type), wide = is_64bit(in.type) || in.flags & flag_wide;
  std::uint64_t results[warp_lanes];
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    const std::uint64_t value =
        wide_source ? lanes<std::uint64_t>(w, s->a)[i] : lanes<std::uint32_t>(w, s->a)[i];
    results[i] = extended(in.type, convert(in, value), wide);
  }
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    if (wide)
      lanes<std::uint64_t>(w, s->d)[i] = results[i];
    else
      lanes<std::uint32_t>(w, s->d)[i] = static_cast<std::uint32_t>(results[i]);
  }
  return s + 1;
}

// cvt.pack.sat: two integers, clamped, above what c holds.
const Step* pack_integers(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  const bool bytes = in.type == Type::s8 || in.type == Type::u8;
  const std::uint32_t *a = lanes<std::uint32_t>(w, s->a), *b = lanes<std::uint32_t>(w, s->b);
  const std::uint32_t* c = in.c == no_operand ? nullptr : lanes<std::uint32_t>(w, s->c);
  Instruction clamp;
  clamp.type = in.type;
  clamp.source_type = Type::s32;
  clamp.flags = flag_saturate;
  std::uint32_t* d = lanes<std::uint32_t>(w, s->d);
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    const int width = bytes ? 8 : 16;
    const auto high = static_cast<std::uint32_t>(convert(clamp, a[i])),
               low = static_cast<std::uint32_t>(convert(clamp, b[i]));
    d[i] = high << width | low | (bytes && c ? c[i] << 16 : 0);
  }
  return s + 1;
}

template <class F>
const Step* write_special(Warp& w, const Step* s, F f) {
  const bool wide = s->flags & flag_wide;
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    const auto value = static_cast<std::uint64_t>(f(static_cast<std::uint32_t>(i)));
    if (wide)
      lanes<std::uint64_t>(w, s->d)[i] = value;
    else
      lanes<std::uint32_t>(w, s->d)[i] = static_cast<std::uint32_t>(value);
  }
  return s + 1;
}

const Step* special_register(Warp& w, const Step* s) {
  const Run& run = w.worker->run;
  const Dim3& block = run.launch.block;
  const Dim3& grid = run.launch.grid;
  const Dim3& index = w.block->index;
  const auto same = [&](std::uint64_t value) {
    return write_special(w, s, [=](std::uint32_t) { return value; });
  };
  const auto thread = [&](std::uint32_t lane) { return w.index * warp_lanes + lane; };
  switch (static_cast<Special>(s->in->modifier)) {
    case Special::tid_x:
      return write_special(w, s, [&](std::uint32_t i) { return thread(i) % block.x; });
    case Special::tid_y:
      return write_special(w, s, [&](std::uint32_t i) { return thread(i) / block.x % block.y; });
    case Special::tid_z:
      return write_special(w, s, [&](std::uint32_t i) { return thread(i) / (block.x * block.y); });
    case Special::ntid_x:
      return same(block.x);
    case Special::ntid_y:
      return same(block.y);
    case Special::ntid_z:
      return same(block.z);
    case Special::ctaid_x:
      return same(index.x);
    case Special::ctaid_y:
      return same(index.y);
    case Special::ctaid_z:
      return same(index.z);
    case Special::nctaid_x:
      return same(grid.x);
    case Special::nctaid_y:
      return same(grid.y);
    case Special::nctaid_z:
      return same(grid.z);
    case Special::laneid:
      return write_special(w, s, [](std::uint32_t i) { return i; });
    case Special::warpid:
      return same(w.index);
    case Special::nwarpid:
      return same(64);
    case Special::smid:
      return same(w.block->linear % run.options.sm_count);
    case Special::nsmid:
      return same(run.options.sm_count);
    case Special::gridid:
      return same(run.launch.operation);
    // Time passes with the instructions of the group that runs, and with looking at it.
    case Special::clock:
    case Special::clock64:
      return same(4 * w.worker->executed + ++w.worker->clock);
    case Special::globaltimer:
      return same(3 * w.worker->executed + 32 * ++w.worker->clock);
    case Special::lanemask_eq:
      return write_special(w, s, [](std::uint32_t i) { return 1u << i; });
    case Special::lanemask_le:
      return write_special(w, s, [](std::uint32_t i) { return (2u << i) - 1; });
    case Special::lanemask_lt:
      return write_special(w, s, [](std::uint32_t i) { return (1u << i) - 1; });
    case Special::lanemask_ge:
      return write_special(w, s, [](std::uint32_t i) { return all_lanes << i; });
    case Special::lanemask_gt:
      return write_special(w, s, [](std::uint32_t i) { return all_lanes << i << 1; });
    case Special::dynamic_smem_size:
      return same(run.launch.dynamic_shared);
    case Special::total_smem_size:
      return same(w.block->shared_bytes);
  }
  return s + 1;
}

}  // namespace

Handler find_convert(const Instruction& in) {
  if (in.op == Op::MovSpecial) return special_register;
  if (in.op == Op::CvtPackInt) return pack_integers;
  if (const Handler handler = AGON_SIMT_BEST(find)(in)) return handler;
  return in.op == Op::Cvt ? convert_lanes : nullptr;
}

}  // namespace agon::simt
