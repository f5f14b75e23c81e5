// Comparisons and selections.
#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {
namespace {

Compare take_compare(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, Compare> names[] = {
      {"eq", Compare::eq},   {"ne", Compare::ne},   {"lt", Compare::lt},   {"le", Compare::le},
      {"gt", Compare::gt},   {"ge", Compare::ge},   {"lo", Compare::lt},   {"ls", Compare::le},
      {"hi", Compare::gt},   {"hs", Compare::ge},   {"equ", Compare::equ}, {"neu", Compare::neu},
      {"ltu", Compare::ltu}, {"leu", Compare::leu}, {"gtu", Compare::gtu}, {"geu", Compare::geu},
      {"num", Compare::num}, {"nan", Compare::nan}};
  for (const auto& [name, compare] : names)
    if (s.take(name)) return compare;
  s.unknown("no comparison");
}

BoolOp take_bool_op(StatementDecoder& s) {
  if (s.take("and")) return BoolOp::and_;
  if (s.take("or")) return BoolOp::or_;
  if (s.take("xor")) return BoolOp::xor_;
  return BoolOp::none;
}

Op setp_op(StatementDecoder& s, Type type) {
  switch (type) {
    case Type::s16:
      return Op::SetpS16;
    case Type::b16:
    case Type::u16:
      return Op::SetpU16;
    case Type::s32:
      return Op::SetpS32;
    case Type::b32:
    case Type::u32:
      return Op::SetpU32;
    case Type::s64:
      return Op::SetpS64;
    case Type::b64:
    case Type::u64:
      return Op::SetpU64;
    case Type::f32:
      return Op::SetpF32;
    case Type::f64:
      return Op::SetpF64;
    default:
      break;
  }
  if (!is_half(type)) s.unknown("no such type");
  return Op::SetpHalf;
}

void setp(StatementDecoder& s) {
  const Compare compare = take_compare(s);
  const BoolOp bool_op = take_bool_op(s);
  const Type type = s.take_type();
  Instruction& i = s.begin(setp_op(s, type));
  i.compare = compare;
  i.bool_op = bool_op;
  i.type = type;
  s.take_flags({{"ftz", flag_ftz}});
  const Operand& d = s.operand(0);
  if (d.kind == OperandKind::pair) {
    s.write_predicate(Field::d, d.items[0]);
    s.write_predicate(Field::d2, d.items[1]);
  } else {
    s.write_predicate(Field::d, d);
  }
  s.read(Field::a, s.operand(1), type);
  s.read(Field::b, s.operand(2), type);
  if (bool_op != BoolOp::none) s.read_predicate(Field::c, s.operand(3));
  s.emit();
}

void set(StatementDecoder& s) {
  const Compare compare = take_compare(s);
  const BoolOp bool_op = take_bool_op(s);
  Instruction& i = s.begin(Op::Set);
  i.compare = compare;
  i.bool_op = bool_op;
  i.type = s.take_type();
  i.source_type = s.take_type();
  s.take_flags({{"ftz", flag_ftz}});
  s.write(Field::d, s.operand(0), type_bits(i.type));
  s.read(Field::a, s.operand(1), i.source_type);
  s.read(Field::b, s.operand(2), i.source_type);
  if (bool_op != BoolOp::none) s.read_predicate(Field::c, s.operand(3));
  s.emit();
}

void selp(StatementDecoder& s) {
  const Type type = s.take_type();
  if (type == Type::pred || type_bits(type) < 16) s.unknown("no such type");
  s.begin(type_bits(type) == 64 ? Op::Selp64 : Op::Selp32).type = type;
  s.write(Field::d, s.operand(0), type_bits(type));
  s.read(Field::a, s.operand(1), type);
  s.read(Field::b, s.operand(2), type);
  s.read_predicate(Field::c, s.operand(3));
  s.emit();
}

void slct(StatementDecoder& s) {
  const bool ftz = s.take("ftz");
  const Type type = s.take_type(), selector = s.take_type();
  if (selector != Type::s32 && selector != Type::f32) s.unknown("no such type");
  const bool wide = type_bits(type) == 64, floating = selector == Type::f32;
  Instruction& i =
      s.begin(floating ? (wide ? Op::SlctF64 : Op::SlctF32) : (wide ? Op::SlctS64 : Op::SlctS32));
  if (ftz) i.flags |= flag_ftz;
  s.write(Field::d, s.operand(0), type_bits(type));
  s.read(Field::a, s.operand(1), type);
  s.read(Field::b, s.operand(2), type);
  s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

}  // namespace

void add_compare_opcodes(OpcodeTable& table) {
  table["setp"] = setp;
  table["set"] = set;
  table["selp"] = selp;
  table["slct"] = slct;
}

}  // namespace agon::simt::ptx
