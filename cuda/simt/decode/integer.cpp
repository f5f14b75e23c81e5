// Bit operations and the integer operations with forms of their own.
#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {
namespace {

Op by_width(StatementDecoder& s, Type type, Op narrow, Op op32, Op op64) {
  const uint32_t bits = type_bits(type);
  if (is_float(type) || is_half(type)) s.unknown("no such type");
  const Op op = bits == 64 ? op64 : bits == 32 ? op32 : narrow;
  if (op == Op::count_ || bits < 16) s.unknown("no such type");
  return op;
}

// and, or, xor, not of bits or predicates.
template <Op narrow, Op op32, Op op64, Op predicate>
void logic(StatementDecoder& s) {
  const Type type = s.take_type();
  const bool unary = op32 == Op::Not32;
  if (type == Type::pred) {
    s.begin(predicate);
    s.write_predicate(Field::d, s.operand(0));
    s.read_predicate(Field::a, s.operand(1));
    if (!unary) s.read_predicate(Field::b, s.operand(2));
    return s.emit();
  }
  const uint32_t bits = type_bits(type);
  s.begin(by_width(s, type, narrow, op32, op64)).type = type;
  s.write(Field::d, s.operand(0), bits);
  s.read(Field::a, s.operand(1), bits);
  if (!unary) s.read(Field::b, s.operand(2), bits);
  s.emit();
}

void shift(StatementDecoder& s) {
  const Type type = s.take_type();
  const uint32_t bits = type_bits(type);
  const bool left = s.opcode() == "shl";
  const Op op = left              ? by_width(s, type, Op::Shl16, Op::Shl32, Op::Shl64)
                : is_signed(type) ? by_width(s, type, Op::ShrS16, Op::ShrS32, Op::ShrS64)
                                  : by_width(s, type, Op::ShrU16, Op::ShrU32, Op::ShrU64);
  s.begin(op).type = type;
  s.write(Field::d, s.operand(0), bits);
  s.read(Field::a, s.operand(1), bits);
  s.read(Field::b, s.operand(2), 32u);
  s.emit();
}

void funnel_shift(StatementDecoder& s) {
  const bool left = s.take("l");
  if (!left && !s.take("r")) s.unknown();
  const bool wrap = s.take("wrap");
  if (!wrap && !s.take("clamp")) s.unknown();
  if (s.take_type() != Type::b32) s.unknown("no such type");
  s.begin(left ? (wrap ? Op::ShfLeftWrap : Op::ShfLeftClamp) : (wrap ? Op::ShfRightWrap : Op::ShfRightClamp));
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

// popc, clz: 32-bit results; brev, cnot: as wide as the source.
template <Op op32, Op op64, bool narrow_result>
void unary(StatementDecoder& s) {
  const Type type = s.take_type();
  const uint32_t bits = type_bits(type);
  s.begin(by_width(s, type, Op::count_, op32, op64));
  s.write(Field::d, s.operand(0), narrow_result ? 32 : bits);
  s.read(Field::a, s.operand(1), bits);
  s.emit();
}

void bfind(StatementDecoder& s) {
  const bool amount = s.take("shiftamt");
  const Type type = s.take_type();
  const bool is_signed_type = is_signed(type);
  Instruction& i = s.begin(by_width(s, type, Op::count_, is_signed_type ? Op::BfindS32 : Op::BfindU32,
                                    is_signed_type ? Op::BfindS64 : Op::BfindU64));
  i.modifier = amount;
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), type);
  s.emit();
}

void bfe(StatementDecoder& s) {
  const Type type = s.take_type();
  const bool is_signed_type = is_signed(type);
  s.begin(by_width(s, type, Op::count_, is_signed_type ? Op::BfeS32 : Op::BfeU32,
                   is_signed_type ? Op::BfeS64 : Op::BfeU64));
  s.write(Field::d, s.operand(0), type_bits(type));
  s.read(Field::a, s.operand(1), type);
  s.read(Field::b, s.operand(2), 32u);
  s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

void bfi(StatementDecoder& s) {
  const Type type = s.take_type();
  const uint32_t bits = type_bits(type);
  s.begin(by_width(s, type, Op::count_, Op::Bfi32, Op::Bfi64)).count = 1;
  s.write(Field::d, s.operand(0), bits);
  s.read(Field::a, s.operand(1), bits);
  s.read(Field::b, s.operand(2), bits);
  s.read(Field::c, s.operand(3), 32u);
  s.open_list();
  s.read_list(s.operand(4), 32);
  s.emit();
}

void bmsk(StatementDecoder& s) {
  const bool wrap = s.take("wrap");
  if (!wrap && !s.take("clamp")) s.unknown();
  if (s.take_type() != Type::b32) s.unknown("no such type");
  s.begin(Op::Bmsk).modifier = wrap;
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  s.emit();
}

void szext(StatementDecoder& s) {
  const bool wrap = s.take("wrap");
  if (!wrap && !s.take("clamp")) s.unknown();
  const Type type = s.take_type();
  if (type_bits(type) != 32) s.unknown("no such type");
  Instruction& i = s.begin(Op::Szext);
  i.modifier = wrap;
  i.type = type;
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  s.emit();
}

void lop3(StatementDecoder& s) {
  if (s.take_type() != Type::b32) s.unknown("no such type");
  const Operand& table = s.operand(4);
  if (table.kind != OperandKind::integer) s.unknown("the table must be a number");
  s.begin(Op::Lop3).modifier = static_cast<uint16_t>(table.bits & 0xff);
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

void prmt(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, PrmtMode> modes[] = {
      {"f4e", PrmtMode::f4e}, {"b4e", PrmtMode::b4e}, {"rc8", PrmtMode::rc8},
      {"ecl", PrmtMode::ecl}, {"ecr", PrmtMode::ecr}, {"rc16", PrmtMode::rc16}};
  if (s.take_type() != Type::b32) s.unknown("no such type");
  Instruction& i = s.begin(Op::Prmt);
  for (const auto& [name, mode] : modes)
    if (s.take(name)) i.modifier = static_cast<uint16_t>(mode);
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

void mul24(StatementDecoder& s) {
  const bool high = s.take("hi");
  if (!high && !s.take("lo")) s.unknown();
  const bool mad = s.opcode() == "mad24";
  const Type type = s.take_type();
  if (type != Type::u32 && type != Type::s32) s.unknown("no such type");
  const bool is_signed_type = type == Type::s32;
  s.begin(mad ? (is_signed_type ? Op::Mad24S : Op::Mad24U) : (is_signed_type ? Op::Mul24S : Op::Mul24U))
      .modifier = high;
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  if (mad) s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

void dot_product(StatementDecoder& s) {
  const bool four = s.opcode() == "dp4a";
  const bool high = !four && s.take("hi");
  if (!four && !high && !s.take("lo")) s.unknown();
  Instruction& i = s.begin(four ? Op::Dp4a : Op::Dp2a);
  i.modifier = high;
  i.type = s.take_type();
  i.source_type = s.take_type();
  for (const Type type : {i.type, i.source_type})
    if (type != Type::u32 && type != Type::s32) s.unknown("no such type");
  s.write(Field::d, s.operand(0), 32);
  s.read(Field::a, s.operand(1), 32u);
  s.read(Field::b, s.operand(2), 32u);
  s.read(Field::c, s.operand(3), 32u);
  s.emit();
}

}  // namespace

void add_integer_opcodes(OpcodeTable& table) {
  table["and"] = logic<Op::And32, Op::And32, Op::And64, Op::AndPred>;
  table["or"] = logic<Op::Or32, Op::Or32, Op::Or64, Op::OrPred>;
  table["xor"] = logic<Op::Xor32, Op::Xor32, Op::Xor64, Op::XorPred>;
  table["not"] = logic<Op::Not16, Op::Not32, Op::Not64, Op::NotPred>;
  table["shl"] = table["shr"] = shift;
  table["shf"] = funnel_shift;
  table["popc"] = unary<Op::Popc32, Op::Popc64, true>;
  table["clz"] = unary<Op::Clz32, Op::Clz64, true>;
  table["brev"] = unary<Op::Brev32, Op::Brev64, false>;
  table["cnot"] = unary<Op::Cnot32, Op::Cnot64, false>;
  table["bfind"] = bfind;
  table["bfe"] = bfe;
  table["bfi"] = bfi;
  table["bmsk"] = bmsk;
  table["szext"] = szext;
  table["lop3"] = lop3;
  table["prmt"] = prmt;
  table["mul24"] = table["mad24"] = mul24;
  table["dp4a"] = table["dp2a"] = dot_product;
}

}  // namespace agon::simt::ptx
