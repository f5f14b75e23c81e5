// Loads, stores and asynchronous copies.
#include "cuda/simt/decode/access.h"

namespace agon::simt::ptx {
namespace {

uint8_t take_count(StatementDecoder& s) {
  if (s.take("v2")) return 2;
  if (s.take("v4")) return 4;
  return 1;
}

Op load_op(StatementDecoder& s, Space space) {
  switch (space) {
    case Space::generic:
      return Op::LdGeneric;
    case Space::global:
      return Op::LdGlobal;
    case Space::shared:
      return Op::LdShared;
    case Space::local:
      return Op::LdLocal;
    case Space::constant:
      return Op::LdConst;
    case Space::param:
      return Op::LdParam;
  }
  s.unknown("no such space");
}

Op store_op(StatementDecoder& s, Space space) {
  switch (space) {
    case Space::generic:
      return Op::StGeneric;
    case Space::global:
      return Op::StGlobal;
    case Space::shared:
      return Op::StShared;
    case Space::local:
      return Op::StLocal;
    default:
      s.unknown("no store to this space");
  }
}

// The registers of data may be wider than the type in memory; all of one access must agree.
uint32_t data_bits(StatementDecoder& s, const Operand& data, uint32_t type_width) {
  bool wide = type_width == 64;
  const auto look = [&](const Operand& o) {
    if (o.kind == OperandKind::register_ && s.class_of(o) == RegisterClass::b64) wide = true;
  };
  if (data.kind == OperandKind::list)
    for (const Operand& o : data.items) look(o);
  else
    look(data);
  if (wide) s.current().flags |= flag_wide;
  return wide ? 64 : 32;
}

// A scalar parameter of a device function, which is a register.
void load_parameter_register(StatementDecoder& s, const Place& place, Type type) {
  const Operand &d = s.operand(0), source = s.virtual_register(place.reg);
  const uint32_t bits = type_bits(type);
  if (d.kind == OperandKind::list || s.operand(1).offset != 0 || bits > 8 * place.size ||
      (place.size == 8 && bits != 64))
    s.unknown("a part of a parameter in a register");
  const bool wide = d.kind == OperandKind::register_ && s.class_of(d) == RegisterClass::b64;
  const bool whole = wide ? bits == 64 : bits == 8 * place.size || bits == 32;
  Instruction& i = s.begin(!whole ? Op::Cvt : wide ? Op::Mov64 : Op::Mov32);
  i.type = type;
  if (!whole) {  // the low bytes, extended as a load from memory would
    i.type = is_signed(type) ? (wide ? Type::s64 : Type::s32) : (wide ? Type::u64 : Type::u32);
    i.source_type = bits == 8    ? (is_signed(type) ? Type::s8 : Type::u8)
                    : bits == 16 ? (is_signed(type) ? Type::s16 : Type::u16)
                                 : (is_signed(type) ? Type::s32 : Type::u32);
  }
  s.write(Field::d, d, wide ? 64 : 32);
  s.read(Field::a, source, place.size == 8 ? 64u : 32u);
  s.emit();
}

void store_parameter_register(StatementDecoder& s, const Place& place, Type type) {
  const Operand& value = s.operand(1);
  const bool wide = place.size == 8;
  if (value.kind == OperandKind::list || s.operand(0).offset != 0 || wide != (type_bits(type) == 64))
    s.unknown("a part of a parameter in a register");
  s.begin(wide ? Op::Mov64 : Op::Mov32).type = type;
  s.write(Field::d, s.virtual_register(place.reg), wide ? 64 : 32);
  s.read(Field::a, value, wide ? 64u : 32u);
  s.emit();
}

// What a parameter's name in an address stands for; false for an address in a register.
bool parameter_place(StatementDecoder& s, const Operand& address, Place& place) {
  if (address.kind != OperandKind::address || address.items[0].kind != OperandKind::symbol) return false;
  place = s.place_of(address.items[0]);
  return true;
}

void load(StatementDecoder& s) {
  Access access = take_access(s);
  const bool non_coherent = s.take("nc") || s.opcode() == "ldu";
  const uint8_t count = take_count(s);
  const Type type = s.take_type();
  const Operand &data = s.operand(0), &address = s.operand(1);
  if (Place place; access.space == Space::param && parameter_place(s, address, place)) {
    if (place.kind == Place::Kind::parameter_register) return load_parameter_register(s, place, type);
    access.space = place.space;
  }
  drop_cache_policy(s, 2);
  Instruction& i = s.begin(load_op(s, access.space));
  set_access(i, access);
  i.type = type;
  i.width = static_cast<uint8_t>(type_bits(type) / 8);
  i.count = count;
  if (non_coherent) i.flags |= flag_nc;
  const uint32_t bits = data_bits(s, data, type_bits(type));
  s.read_address(Field::a, address);
  if (count == 1) {
    s.write(Field::d, data, bits);
  } else {
    if (data.items.size() != count) s.unknown("a vector of another length");
    s.open_list();
    for (const Operand& o : data.items) s.write_list(o, bits);
  }
  s.emit();
}

void store(StatementDecoder& s) {
  Access access = take_access(s);
  const uint8_t count = take_count(s);
  const Type type = s.take_type();
  const Operand &address = s.operand(0), &data = s.operand(1);
  if (Place place; access.space == Space::param && parameter_place(s, address, place)) {
    if (place.kind == Place::Kind::parameter_register) return store_parameter_register(s, place, type);
    access.space = place.space;
  }
  drop_cache_policy(s, 2);
  Instruction& i = s.begin(store_op(s, access.space));
  set_access(i, access);
  i.type = type;
  i.width = static_cast<uint8_t>(type_bits(type) / 8);
  i.count = count;
  const uint32_t bits = data_bits(s, data, type_bits(type));
  s.read_address(Field::a, address);
  if (count == 1) {
    s.read(Field::b, data, bits);
  } else {
    if (data.items.size() != count) s.unknown("a vector of another length");
    s.open_list();
    for (const Operand& o : data.items) s.read_list(o, bits);
  }
  s.emit();
}

void prefetch(StatementDecoder& s) {
  const Access access = take_access(s);
  if (!s.take_prefix("L1") && !s.take_prefix("L2")) s.unknown();
  set_access(s.begin(Op::Prefetch), access);
  s.read_address(Field::a, s.operand(0));
  s.emit();
}

// The source's size that a predicate "ignore the source" stands for.
Operand size_unless(StatementDecoder& s, const Operand& ignore, uint32_t width) {
  Operand zero, whole;
  zero.kind = whole.kind = OperandKind::integer;
  whole.bits = width;
  const Operand size = s.new_register(RegisterClass::b32);
  s.begin(Op::Selp32).type = Type::b32;
  s.write(Field::d, size, 32);
  s.read(Field::a, zero, 32u);
  s.read(Field::b, whole, 32u);
  s.read_predicate(Field::c, ignore);
  s.emit();
  return size;
}

void cp_async(StatementDecoder& s) {
  if (!s.take("async")) s.unknown();
  if (s.take("commit_group")) {
    s.begin(Op::CpAsyncCommit);
    return s.emit();
  }
  if (s.take("wait_all")) {
    s.begin(Op::CpAsyncWaitAll);
    return s.emit();
  }
  if (s.take("wait_group")) {
    const Operand& groups = s.operand(0);
    if (groups.kind != OperandKind::integer) s.unknown("the number of groups must be a number");
    s.begin(Op::CpAsyncWaitGroup).immediate = static_cast<int32_t>(groups.bits);
    return s.emit();
  }
  const bool past_l1 = s.take("cg");
  if (!past_l1 && !s.take("ca")) s.unknown();
  if (!(s.take("shared") || s.take("shared::cta")) || !s.take("global")) s.unknown();
  while (s.take_prefix("L2::")) {
  }
  const Operand& width = s.operand(2);
  if (width.kind != OperandKind::integer) s.unknown("the size must be a number");
  if (width.bits != 16 && (past_l1 || (width.bits != 4 && width.bits != 8))) s.unknown("no such size");
  Operand size;
  const bool partial = s.operand_count() > 3;
  if (partial) {
    size = s.operand(3);
    if (size.kind == OperandKind::register_ && s.class_of(size) == RegisterClass::predicate)
      size = size_unless(s, size, static_cast<uint32_t>(width.bits));
  }
  drop_cache_policy(s, 4);
  Instruction& i = s.begin(Op::CpAsync);
  i.width = static_cast<uint8_t>(width.bits);
  if (past_l1) i.flags |= flag_cg;
  s.read_address(Field::b, s.operand(1));
  if (i.flags & flag_address32) s.unknown("a 32-bit global address");
  s.read_address(Field::a, s.operand(0));
  if (partial) s.read(Field::c, size, 32u);
  s.emit();
}

}  // namespace

Access take_access(StatementDecoder& s) {
  Access access;
  if (s.take("volatile")) {
    access.order = Order::relaxed;
    access.scope = Scope::sys;
  } else if (s.take("relaxed")) {
    access.order = Order::relaxed;
  } else if (s.take("acquire")) {
    access.order = Order::acquire;
  } else if (s.take("release")) {
    access.order = Order::release;
  } else if (s.take("acq_rel")) {
    access.order = Order::acq_rel;
  } else {
    s.take("weak");
  }
  if (s.take("cta")) access.scope = Scope::cta;
  if (s.take("gpu")) access.scope = Scope::gpu;
  if (s.take("sys")) access.scope = Scope::sys;
  if (s.take("global")) {
    access.space = Space::global;
  } else if (s.take("shared") || s.take("shared::cta")) {
    access.space = Space::shared;
  } else if (s.take("local")) {
    access.space = Space::local;
  } else if (s.take("const")) {
    access.space = Space::constant;
  } else if (s.take("param") || s.take("param::entry") || s.take("param::func")) {
    access.space = Space::param;
  }
  // How long caches keep the line changes no result.
  for (const char* hint : {"ca", "cg", "cs", "lu", "cv", "wb", "wt"}) s.take(hint);
  while (s.take_prefix("L1::") || s.take_prefix("L2::")) {
  }
  return access;
}

void set_access(Instruction& i, const Access& access) {
  i.space = access.space;
  i.order = access.order;
  i.scope = access.scope;
}

void drop_cache_policy(StatementDecoder& s, size_t operand) {
  if (s.operand_count() == operand + 1) s.operand(operand);
}

void add_memory_opcodes(OpcodeTable& table) {
  table["ld"] = table["ldu"] = load;
  table["st"] = store;
  table["prefetch"] = table["prefetchu"] = prefetch;
  table["cp"] = cp_async;
}

}  // namespace agon::simt::ptx
