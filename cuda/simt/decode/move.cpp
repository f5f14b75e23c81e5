// mov, packing, cvt and addresses.
#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {
namespace {

bool find_special(std::string_view name, Special& special) {
  static const std::unordered_map<std::string_view, Special> names = {
      {"%tid.x", Special::tid_x},
      {"%tid.y", Special::tid_y},
      {"%tid.z", Special::tid_z},
      {"%ntid.x", Special::ntid_x},
      {"%ntid.y", Special::ntid_y},
      {"%ntid.z", Special::ntid_z},
      {"%ctaid.x", Special::ctaid_x},
      {"%ctaid.y", Special::ctaid_y},
      {"%ctaid.z", Special::ctaid_z},
      {"%nctaid.x", Special::nctaid_x},
      {"%nctaid.y", Special::nctaid_y},
      {"%nctaid.z", Special::nctaid_z},
      {"%laneid", Special::laneid},
      {"%warpid", Special::warpid},
      {"%nwarpid", Special::nwarpid},
      {"%smid", Special::smid},
      {"%nsmid", Special::nsmid},
      {"%gridid", Special::gridid},
      {"%clock", Special::clock},
      {"%clock64", Special::clock64},
      {"%globaltimer", Special::globaltimer},
      {"%lanemask_eq", Special::lanemask_eq},
      {"%lanemask_le", Special::lanemask_le},
      {"%lanemask_lt", Special::lanemask_lt},
      {"%lanemask_ge", Special::lanemask_ge},
      {"%lanemask_gt", Special::lanemask_gt},
      {"%dynamic_smem_size", Special::dynamic_smem_size},
      {"%total_smem_size", Special::total_smem_size}};
  const auto found = names.find(name);
  if (found == names.end()) return false;
  special = found->second;
  return true;
}

// Begins a mov between one register of `bits` bits and the parts of a list.
void begin_parts(StatementDecoder& s, Op op, const Operand& parts, uint32_t bits) {
  const auto count = static_cast<uint32_t>(parts.items.size());
  if (count < 2 || bits % count != 0 || bits / count < 16) s.unknown("parts of no known width");
  Instruction& i = s.begin(op);
  i.count = static_cast<uint8_t>(count);
  i.width = static_cast<uint8_t>(bits / count / 8);
  if (bits == 64) i.flags |= flag_wide;
}

void pack(StatementDecoder& s, uint32_t bits) {
  const Operand& parts = s.operand(1);
  begin_parts(s, Op::Pack, parts, bits);
  s.write(Field::d, s.operand(0), bits);
  s.open_list();
  for (const Operand& part : parts.items) s.read_list(part, bits / static_cast<uint32_t>(parts.items.size()));
  s.emit();
}

void unpack(StatementDecoder& s, uint32_t bits) {
  const Operand& parts = s.operand(0);
  begin_parts(s, Op::Unpack, parts, bits);
  s.read(Field::a, s.operand(1), bits);
  s.open_list();
  for (const Operand& part : parts.items)
    s.write_list(part, bits / static_cast<uint32_t>(parts.items.size()));
  s.emit();
}

void mov(StatementDecoder& s) {
  const Type type = s.take_type();
  const uint32_t bits = type_bits(type);
  const Operand &d = s.operand(0), &a = s.operand(1);
  if (type == Type::pred) {
    s.begin(Op::MovPred);
    s.write_predicate(Field::d, d);
    s.read_predicate(Field::a, a);
    return s.emit();
  }
  if (d.kind == OperandKind::list) return unpack(s, bits);
  if (a.kind == OperandKind::list) return pack(s, bits);
  Instruction& i = s.begin(bits == 64 ? Op::Mov64 : Op::Mov32);
  i.type = type;
  if (a.kind == OperandKind::special) {
    Special special{};
    if (!find_special(a.name, special)) s.unknown("the special register " + std::string(a.name));
    i.op = Op::MovSpecial;
    i.modifier = static_cast<uint16_t>(special);
    if (bits == 64) i.flags |= flag_wide;
  } else {
    s.read(Field::a, a, bits);
  }
  s.write(Field::d, d, bits);
  s.emit();
}

// A source register wider than the source type is cut to 32 bits first.
Operand narrowed(StatementDecoder& s, const Operand& a) {
  const Operand low = s.new_register(RegisterClass::b32);
  Instruction& i = s.begin(Op::Cvt);
  i.type = Type::u32;
  i.source_type = Type::u64;
  s.write(Field::d, low, 32);
  s.read(Field::a, a, 64u);
  s.emit();
  return low;
}

void cvt_pack(StatementDecoder& s) {
  Instruction i;
  if (!s.take("sat")) s.unknown();
  i.type = s.take_type();
  i.source_type = s.take_type();
  const bool third = type_bits(i.type) < 16;
  if (i.source_type != Type::s32 || type_bits(i.type) > 16) s.unknown("no such type");
  Instruction& made = s.begin(Op::CvtPackInt);
  made.type = i.type;
  made.source_type = i.source_type;
  made.flags |= flag_saturate;
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  if (third) {
    if (s.take_type() != Type::b32) s.unknown("no such type");
    s.read(Field::c, s.operand(3), 32u);
  }
  s.emit();
}

void cvt(StatementDecoder& s) {
  if (s.take("pack")) return cvt_pack(s);
  const Rounding rounding = s.take_rounding();
  const bool relu = s.take("relu"), ftz = s.take("ftz"), saturate = s.take("sat");
  const Type type = s.take_type(), source = s.take_type();
  if (type == Type::pred || source == Type::pred) s.unknown("no such type");
  const bool pair = type == Type::f16x2 || type == Type::bf16x2;
  const Operand &d = s.operand(0), &a = s.operand(1);
  const bool cut =
      a.kind == OperandKind::register_ && type_bits(source) < 64 && s.class_of(a) == RegisterClass::b64;
  const Operand from = cut ? narrowed(s, a) : a;
  Instruction& i = s.begin(pair ? Op::CvtPack : Op::Cvt);
  i.type = type;
  i.source_type = source;
  i.rounding = rounding;
  if (relu) i.flags |= flag_relu;
  if (ftz) i.flags |= flag_ftz;
  if (saturate) i.flags |= flag_saturate;
  s.write(Field::d, d, type_bits(type));
  s.read(Field::a, from, source);
  if (pair) {
    if (source != Type::f32) s.unknown("no such type");
    s.read(Field::b, s.operand(2), source);
  }
  s.emit();
}

Space take_space(StatementDecoder& s) {
  if (s.take("shared") || s.take("shared::cta")) return Space::shared;
  if (s.take("local")) return Space::local;
  if (s.take("global")) return Space::global;
  if (s.take("const")) return Space::constant;
  if (s.take("param") || s.take("param::entry")) return Space::param;
  s.unknown("no state space");
}

void cvta(StatementDecoder& s) {
  const bool to = s.take("to");
  const Space space = take_space(s);
  if (type_bits(s.take_type()) != 64) s.unknown("no such type");
  // Global and constant addresses are generic addresses.
  const bool same = space == Space::global || space == Space::constant;
  s.begin(same ? Op::Mov64 : to ? Op::CvtaFromGeneric : Op::CvtaToGeneric).space = space;
  s.write(Field::d, s.operand(0), 64);
  s.read(Field::a, s.operand(1), 64u);
  s.emit();
}

void isspacep(StatementDecoder& s) {
  s.begin(Op::Isspacep).space = take_space(s);
  s.write_predicate(Field::d, s.operand(0));
  s.read(Field::a, s.operand(1), 64u);
  s.emit();
}

}  // namespace

void add_move_opcodes(OpcodeTable& table) {
  table["mov"] = mov;
  table["cvt"] = cvt;
  table["cvta"] = cvta;
  table["isspacep"] = isspacep;
}

}  // namespace agon::simt::ptx
