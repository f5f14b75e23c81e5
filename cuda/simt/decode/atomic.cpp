// Atomics, fences and barriers.
#include "cuda/simt/decode/access.h"

namespace agon::simt::ptx {
namespace {

AtomicOp take_atomic_op(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, AtomicOp> names[] = {
      {"add", AtomicOp::add},   {"min", AtomicOp::min},  {"max", AtomicOp::max}, {"inc", AtomicOp::inc},
      {"dec", AtomicOp::dec},   {"and", AtomicOp::and_}, {"or", AtomicOp::or_},  {"xor", AtomicOp::xor_},
      {"exch", AtomicOp::exch}, {"cas", AtomicOp::cas}};
  for (const auto& [name, op] : names)
    if (s.take(name)) return op;
  s.unknown("no operation");
}

bool known_atomic(AtomicOp op, Type type) {
  const uint32_t bits = type_bits(type);
  const bool floating = is_float(type) || is_half(type),
             unsigned_type = type == Type::u32 || type == Type::u64;
  switch (op) {
    case AtomicOp::add:
      return unsigned_type || type == Type::s32 || type == Type::s64 || floating;
    case AtomicOp::min:
    case AtomicOp::max:
      return !floating && bits >= 32 && (unsigned_type || is_signed(type));
    case AtomicOp::inc:
    case AtomicOp::dec:
      return type == Type::u32;
    case AtomicOp::cas:
      return type == Type::b16 || type == Type::b32 || type == Type::b64;
    default:
      return type == Type::b32 || type == Type::b64;
  }
}

void atomic(StatementDecoder& s) {
  const bool reduction = s.opcode() == "red";
  Access access = take_access(s);
  // Without a word on it, an atomic is relaxed.
  if (access.order == Order::weak) access.order = Order::relaxed;
  const bool no_ftz = s.take("noftz");
  const AtomicOp op = take_atomic_op(s);
  const Type type = s.take_type();
  if (!known_atomic(op, type)) s.unknown("no such type");
  const size_t first = reduction ? 0 : 1, values = op == AtomicOp::cas ? 2 : 1;
  drop_cache_policy(s, first + 1 + values);
  Instruction& i = s.begin(Op::Atom);
  set_access(i, access);
  i.type = type;
  i.width = static_cast<uint8_t>(type_bits(type) / 8);
  i.count = 1;
  i.modifier = static_cast<uint16_t>(op);
  if (no_ftz) i.flags |= flag_noftz;
  const uint32_t bits = type_bits(type);
  if (bits == 64) i.flags |= flag_wide;
  if (!reduction) s.write(Field::d, s.operand(0), bits);
  s.read_address(Field::a, s.operand(first));
  s.read(Field::b, s.operand(first + 1), bits);
  if (values == 2) s.read(Field::c, s.operand(first + 2), bits);
  s.emit();
}

void fence(StatementDecoder& s) {
  Instruction& i = s.begin(Op::Fence);
  i.order = Order::acq_rel;
  if (s.opcode() == "membar") {
    i.order = Order::sc;
    if (s.take("cta")) {
      i.scope = Scope::cta;
    } else if (s.take("gl")) {
      i.scope = Scope::gpu;
    } else if (s.take("sys")) {
      i.scope = Scope::sys;
    } else {
      s.unknown("no scope");
    }
    return s.emit();
  }
  if (s.take("sc"))
    i.order = Order::sc;
  else
    s.take("acq_rel");
  if (s.take("cta")) {
    i.scope = Scope::cta;
  } else if (s.take("gpu")) {
    i.scope = Scope::gpu;
  } else if (s.take("sys")) {
    i.scope = Scope::sys;
  } else {
    s.unknown("no scope");
  }
  s.emit();
}

// Barrier number at operand `first`, thread count behind it if `counted`.
void read_barrier(StatementDecoder& s, size_t first, bool counted) {
  s.read(Field::a, s.operand(first), 32u);
  if (counted) s.read(Field::b, s.operand(first + 1), 32u);
}

void barrier_reduction(StatementDecoder& s, bool aligned) {
  const bool popc = s.take("popc");
  const BarRedOp op = popc ? BarRedOp::popc : s.take("and") ? BarRedOp::and_ : BarRedOp::or_;
  if (op == BarRedOp::or_ && !s.take("or")) s.unknown();
  if ((s.take_type() == Type::pred) == popc) s.unknown("no such type");
  Instruction& i = s.begin(Op::BarRed);
  i.modifier = static_cast<uint16_t>(op);
  if (aligned) i.flags |= flag_aligned;
  if (popc)
    s.write(Field::d, s.operand(0), 32);
  else
    s.write_predicate(Field::d, s.operand(0));
  const size_t last = s.operand_count() - 1;
  read_barrier(s, 1, last == 3);
  s.read_predicate(Field::c, s.operand(last));
  s.emit();
}

void barrier(StatementDecoder& s) {
  if (s.take("warp")) {
    if (!s.take("sync")) s.unknown();
    s.begin(Op::BarWarpSync);
    s.read(Field::a, s.operand(0), 32u);
    return s.emit();
  }
  s.take("cta");
  // bar is barrier.aligned.
  const bool aligned = s.opcode() == "bar" || s.take("aligned");
  if (s.take("red")) return barrier_reduction(s, aligned);
  const bool arrive = s.take("arrive");
  if (!arrive && !s.take("sync")) s.unknown();
  Instruction& i = s.begin(arrive ? Op::BarArrive : Op::BarSync);
  if (aligned) i.flags |= flag_aligned;
  if (arrive && s.operand_count() != 2) s.unknown("no thread count");
  read_barrier(s, 0, s.operand_count() > 1);
  s.emit();
}

}  // namespace

void add_atomic_opcodes(OpcodeTable& table) {
  table["atom"] = table["red"] = atomic;
  table["membar"] = table["fence"] = fence;
  table["bar"] = table["barrier"] = barrier;
}

}  // namespace agon::simt::ptx
