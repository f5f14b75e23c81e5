// Operations that exist for many types: add, sub, mul, mad, fma, div, min, max, and the float functions.
#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {
namespace {

constexpr Op none = Op::count_;

// The operation of an opcode by type; `sources` operands behind the destination.
struct Row {
  Op s16, u16, s32, u32, s64, u64, f32, f64, half;
  size_t sources;
};

const std::unordered_map<std::string_view, Row>& rows() {
  static const std::unordered_map<std::string_view, Row> table = {
      {"add",
       {Op::Add16, Op::Add16, Op::Add32, Op::Add32, Op::Add64, Op::Add64, Op::AddF32, Op::AddF64, Op::AddHalf,
        2}},
      {"sub",
       {Op::Sub16, Op::Sub16, Op::Sub32, Op::Sub32, Op::Sub64, Op::Sub64, Op::SubF32, Op::SubF64, Op::SubHalf,
        2}},
      {"mul", {none, none, none, none, none, none, Op::MulF32, Op::MulF64, Op::MulHalf, 2}},
      {"mul.lo", {Op::Mul16, Op::Mul16, Op::Mul32, Op::Mul32, Op::Mul64, Op::Mul64, none, none, none, 2}},
      {"mul.hi",
       {Op::MulHiS16, Op::MulHiU16, Op::MulHiS32, Op::MulHiU32, Op::MulHiS64, Op::MulHiU64, none, none, none,
        2}},
      {"mul.wide",
       {Op::MulWideS16, Op::MulWideU16, Op::MulWideS32, Op::MulWideU32, none, none, none, none, none, 2}},
      {"mad", {none, none, none, none, none, none, Op::FmaF32, Op::FmaF64, none, 3}},
      {"mad.lo", {Op::Mad16, Op::Mad16, Op::Mad32, Op::Mad32, Op::Mad64, Op::Mad64, none, none, none, 3}},
      {"mad.hi", {none, none, Op::MadHiS32, Op::MadHiU32, Op::MadHiS64, Op::MadHiU64, none, none, none, 3}},
      {"mad.wide",
       {Op::MadWideS16, Op::MadWideU16, Op::MadWideS32, Op::MadWideU32, none, none, none, none, none, 3}},
      {"fma", {none, none, none, none, none, none, Op::FmaF32, Op::FmaF64, Op::FmaHalf, 3}},
      {"div",
       {Op::DivS16, Op::DivU16, Op::DivS32, Op::DivU32, Op::DivS64, Op::DivU64, Op::DivF32, Op::DivF64, none,
        2}},
      {"rem", {Op::RemS16, Op::RemU16, Op::RemS32, Op::RemU32, Op::RemS64, Op::RemU64, none, none, none, 2}},
      {"min",
       {Op::MinS16, Op::MinU16, Op::MinS32, Op::MinU32, Op::MinS64, Op::MinU64, Op::MinF32, Op::MinF64,
        Op::MinHalf, 2}},
      {"max",
       {Op::MaxS16, Op::MaxU16, Op::MaxS32, Op::MaxU32, Op::MaxS64, Op::MaxU64, Op::MaxF32, Op::MaxF64,
        Op::MaxHalf, 2}},
      {"abs", {Op::AbsS16, none, Op::AbsS32, none, Op::AbsS64, none, Op::AbsF32, Op::AbsF64, Op::AbsHalf, 1}},
      {"neg", {Op::NegS16, none, Op::NegS32, none, Op::NegS64, none, Op::NegF32, Op::NegF64, Op::NegHalf, 1}},
      {"sad", {Op::SadS16, Op::SadU16, Op::SadS32, Op::SadU32, Op::SadS64, Op::SadU64, none, none, none, 3}},
      {"rcp", {none, none, none, none, none, none, Op::RcpF32, Op::RcpF64, none, 1}},
      {"sqrt", {none, none, none, none, none, none, Op::SqrtF32, Op::SqrtF64, none, 1}},
      {"rsqrt", {none, none, none, none, none, none, Op::RsqrtF32, Op::RsqrtF64, none, 1}},
      {"ex2", {none, none, none, none, none, none, Op::Ex2F32, none, Op::Ex2Half, 1}},
      {"lg2", {none, none, none, none, none, none, Op::Lg2F32, none, none, 1}},
      {"sin", {none, none, none, none, none, none, Op::SinF32, none, none, 1}},
      {"cos", {none, none, none, none, none, none, Op::CosF32, none, none, 1}},
      {"tanh", {none, none, none, none, none, none, Op::TanhF32, none, Op::TanhHalf, 1}},
      {"copysign", {none, none, none, none, none, none, Op::CopysignF32, Op::CopysignF64, none, 2}},
  };
  return table;
}

Op pick(const Row& row, Type type) {
  switch (type) {
    case Type::s16:
      return row.s16;
    case Type::u16:
      return row.u16;
    case Type::s32:
      return row.s32;
    case Type::u32:
      return row.u32;
    case Type::s64:
      return row.s64;
    case Type::u64:
      return row.u64;
    case Type::f32:
      return row.f32;
    case Type::f64:
      return row.f64;
    default:
      return is_half(type) ? row.half : none;
  }
}

// add.cc and its kind: with the carry in a predicate of its own.
Op with_carry(std::string_view opcode, bool high, Type type) {
  const bool wide = type_bits(type) == 64;
  if (opcode == "add" || opcode == "addc") return wide ? Op::AddCarry64 : Op::AddCarry32;
  if (opcode == "sub" || opcode == "subc") return wide ? Op::SubCarry64 : Op::SubCarry32;
  if (!high) return wide ? Op::MadCarryLo64 : Op::MadCarryLo32;
  if (is_signed(type)) return wide ? Op::MadCarryHiS64 : Op::MadCarryHiS32;
  return wide ? Op::MadCarryHiU64 : Op::MadCarryHiU32;
}

void carry(StatementDecoder& s, bool reads_carry, bool writes_carry, bool high) {
  const Type type = s.take_type();
  if (is_float(type) || is_half(type) || type_bits(type) < 32) s.unknown("carry of this type");
  Instruction& i = s.begin(with_carry(s.opcode(), high, type));
  i.type = type;
  if (reads_carry) i.flags |= flag_carry_in;
  if (writes_carry) i.flags |= flag_carry_out;
  const uint32_t bits = type_bits(type);
  s.write(Field::d, s.operand(0), bits);
  s.read(Field::a, s.operand(1), bits);
  s.read(Field::b, s.operand(2), bits);
  if (s.opcode().starts_with("mad")) s.read(Field::c, s.operand(3), bits);
  s.emit();
}

void arithmetic(StatementDecoder& s) {
  const bool high = s.take("hi"), low = s.take("lo"), wide = s.take("wide");
  if (s.take("cc")) return carry(s, false, true, high);
  std::string key(s.opcode());
  if (high) key += ".hi";
  if (low) key += ".lo";
  if (wide) key += ".wide";
  const auto row = rows().find(key);
  if (row == rows().end()) s.unknown();
  const Rounding rounding = s.take_rounding();
  const bool relu = s.take("relu"), saturate = s.take("sat");
  const Type type = s.take_type();
  const Op op = pick(row->second, type);
  if (op == none) s.unknown("no such type");
  const bool floating = is_float(type) || is_half(type);
  if (saturate && !floating && type != Type::s32) s.unknown("saturation of this type");
  if (!floating && (rounding != Rounding::none || relu)) s.unknown("a float's modifier");
  Instruction& i = s.begin(op);
  i.type = type;
  i.rounding = floating && rounding == Rounding::none ? Rounding::rn : rounding;
  if (relu) i.flags |= flag_relu;
  if (saturate) i.flags |= flag_saturate;
  if (floating)
    s.take_flags({{"ftz", flag_ftz}, {"approx", flag_approx}, {"full", flag_full}, {"NaN", flag_nan}});
  if (floating && s.take("xorsign")) {
    if (!s.take("abs")) s.unknown();
    i.flags |= flag_xorsign_abs;
  }
  const uint32_t bits = type_bits(type), result_bits = wide ? 2 * bits : bits;
  s.write(Field::d, s.operand(0), result_bits);
  constexpr Field fields[] = {Field::a, Field::b, Field::c};
  for (size_t k = 0; k < row->second.sources; ++k)
    s.read(fields[k], s.operand(k + 1), k == 2 ? result_bits : bits);
  s.emit();
}

void arithmetic_with_carry(StatementDecoder& s) {
  const bool high = s.take("hi");
  if (s.opcode() == "madc" && !high && !s.take("lo")) s.unknown();
  carry(s, true, s.take("cc"), high);
}

void testp(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, FloatTest> names[] = {
      {"finite", FloatTest::finite}, {"infinite", FloatTest::infinite},
      {"number", FloatTest::number}, {"notanumber", FloatTest::notanumber},
      {"normal", FloatTest::normal}, {"subnormal", FloatTest::subnormal}};
  for (const auto& [name, test] : names) {
    if (!s.take(name)) continue;
    const Type type = s.take_type();
    if (!is_float(type)) s.unknown("no such type");
    s.begin(type == Type::f64 ? Op::TestpF64 : Op::TestpF32).modifier = static_cast<uint16_t>(test);
    s.write_predicate(Field::d, s.operand(0));
    s.read(Field::a, s.operand(1), type);
    return s.emit();
  }
  s.unknown();
}

}  // namespace

void add_arithmetic_opcodes(OpcodeTable& table) {
  for (const auto& [name, row] : rows())
    if (name.find('.') == std::string_view::npos) table[name] = arithmetic;
  for (const char* name : {"addc", "subc", "madc"}) table[name] = arithmetic_with_carry;
  table["testp"] = testp;
}

}  // namespace agon::simt::ptx
