// Tensor-core instructions.
#include "cuda/simt/decode/statement.h"

namespace agon::simt {

namespace {

struct Extent {
  uint32_t m, n, k;
};

Extent extent(MmaShape shape) {
  switch (shape) {
    case MmaShape::m16n8k4:
      return {16, 8, 4};
    case MmaShape::m16n8k8:
      return {16, 8, 8};
    case MmaShape::m16n8k16:
      return {16, 8, 16};
    case MmaShape::m16n8k32:
      return {16, 8, 32};
    case MmaShape::m8n8k4:
      return {8, 8, 4};
  }
  return {};
}

}  // namespace

MmaCounts mma_counts(const Instruction& mma) {
  const auto [m, n, k] = extent(static_cast<MmaShape>(mma.modifier));
  // Values a lane holds, over how many lie in one register.
  const auto registers = [](uint32_t values, Type type) {
    const uint32_t bits = ptx::type_bits(type);
    return static_cast<uint8_t>(values / 32 / (bits < 32 ? 32 / bits : 1));
  };
  const uint8_t result = registers(m * n, mma.type);
  return {result, registers(m * k, mma.source_type), registers(n * k, mma.source_type), result};
}

namespace ptx {
namespace {

// The shapes and types of sm_80, tensor cores of int4 and single bits apart.
bool known_mma(MmaShape shape, Type result, Type source) {
  switch (shape) {
    case MmaShape::m16n8k4:
      return source == Type::tf32 && result == Type::f32;
    case MmaShape::m16n8k8:
      return (result == Type::f32 && (source == Type::tf32 || source == Type::bf16 || source == Type::f16)) ||
             (result == Type::f16 && source == Type::f16);
    case MmaShape::m16n8k16:
      return (result == Type::f32 && (source == Type::bf16 || source == Type::f16)) ||
             (result == Type::f16 && source == Type::f16) ||
             (result == Type::s32 && (source == Type::s8 || source == Type::u8));
    case MmaShape::m16n8k32:
      return result == Type::s32 && (source == Type::s8 || source == Type::u8);
    case MmaShape::m8n8k4:
      return result == Type::f64 && source == Type::f64;
  }
  return false;
}

void mma(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, MmaShape> shapes[] = {{"m16n8k4", MmaShape::m16n8k4},
                                                                     {"m16n8k8", MmaShape::m16n8k8},
                                                                     {"m16n8k16", MmaShape::m16n8k16},
                                                                     {"m16n8k32", MmaShape::m16n8k32},
                                                                     {"m8n8k4", MmaShape::m8n8k4}};
  if (!s.take("sync") || !s.take("aligned") || !s.take("row") || !s.take("col")) s.unknown();
  for (const auto& [name, shape] : shapes) {
    if (!s.take(name)) continue;
    const bool saturate = s.take("satfinite");
    const Type d = s.take_type(), a = s.take_type(), b = s.take_type(), c = s.take_type();
    if (d != c || a != b || !known_mma(shape, d, a)) s.unknown("no such types");
    Instruction& i = s.begin(Op::Mma);
    i.modifier = static_cast<uint16_t>(shape);
    i.type = d;
    i.source_type = a;
    if (saturate) i.flags |= flag_saturate;
    const MmaCounts counts = mma_counts(i);
    i.count = static_cast<uint8_t>(counts.d + counts.a + counts.b + counts.c);
    const uint32_t bits = d == Type::f64 ? 64 : 32;
    // One register may stand alone, without braces.
    const auto each = [&](size_t operand, uint8_t count, auto visit) {
      const Operand& o = s.operand(operand);
      if (o.kind != OperandKind::list && count == 1) return visit(o);
      if (o.items.size() != count) s.unknown("a fragment of another length");
      for (const Operand& item : o.items) visit(item);
    };
    const auto read = [&](const Operand& o) { s.read_list(o, bits); };
    s.open_list();
    each(0, counts.d, [&](const Operand& o) { s.write_list(o, bits); });
    each(1, counts.a, read);
    each(2, counts.b, read);
    each(3, counts.c, read);
    return s.emit();
  }
  s.unknown("no such shape");
}

void ldmatrix(StatementDecoder& s) {
  if (!s.take("sync") || !s.take("aligned") || !s.take("m8n8")) s.unknown();
  const uint8_t count = s.take("x4") ? 4 : s.take("x2") ? 2 : s.take("x1") ? 1 : 0;
  if (count == 0) s.unknown("no count");
  const bool transposed = s.take("trans");
  if (!(s.take("shared") || s.take("shared::cta")) || s.take_type() != Type::b16) s.unknown();
  Instruction& i = s.begin(Op::Ldmatrix);
  i.space = Space::shared;
  i.width = 16;  // bytes of a row
  i.count = count;
  if (transposed) i.flags |= flag_trans;
  s.read_address(Field::a, s.operand(1));
  const Operand& d = s.operand(0);
  s.open_list();
  if (d.kind == OperandKind::list) {
    if (d.items.size() != count) s.unknown("a vector of another length");
    for (const Operand& o : d.items) s.write_list(o, 32);
  } else {
    if (count != 1) s.unknown("a vector of another length");
    s.write_list(d, 32);
  }
  s.emit();
}

}  // namespace

void add_matrix_opcodes(OpcodeTable& table) {
  table["mma"] = mma;
  table["ldmatrix"] = ldmatrix;
}

}  // namespace ptx
}  // namespace agon::simt
