// Exchanges between the lanes of a warp, and instructions without operands.
#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {
namespace {

// "d|p" or "d" as the first operand.
void write_with_predicate(StatementDecoder& s, uint32_t bits) {
  const Operand& d = s.operand(0);
  if (d.kind == OperandKind::pair) {
    s.write(Field::d, d.items[0], bits);
    s.write_predicate(Field::d2, d.items[1]);
  } else {
    s.write(Field::d, d, bits);
  }
}

void shfl(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, ShflMode> modes[] = {
      {"up", ShflMode::up}, {"down", ShflMode::down}, {"bfly", ShflMode::bfly}, {"idx", ShflMode::idx}};
  if (!s.take("sync")) s.unknown("shuffles without .sync are gone since sm_70");
  for (const auto& [name, mode] : modes) {
    if (!s.take(name)) continue;
    if (s.take_type() != Type::b32) s.unknown("no such type");
    Instruction& i = s.begin(Op::Shfl);
    i.modifier = static_cast<uint16_t>(mode);
    i.count = 1;
    write_with_predicate(s, 32);
    s.read(Field::a, s.operand(1), 32u);
    s.read(Field::b, s.operand(2), 32u);
    s.read(Field::c, s.operand(3), 32u);
    s.open_list();
    s.read_list(s.operand(4), 32);
    return s.emit();
  }
  s.unknown("no mode");
}

void vote(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, VoteMode> modes[] = {
      {"all", VoteMode::all}, {"any", VoteMode::any}, {"uni", VoteMode::uni}, {"ballot", VoteMode::ballot}};
  if (!s.take("sync")) s.unknown("votes without .sync are gone since sm_70");
  for (const auto& [name, mode] : modes) {
    if (!s.take(name)) continue;
    const bool ballot = mode == VoteMode::ballot;
    if (s.take_type() != (ballot ? Type::b32 : Type::pred)) s.unknown("no such type");
    s.begin(Op::Vote).modifier = static_cast<uint16_t>(mode);
    if (ballot)
      s.write(Field::d, s.operand(0), 32);
    else
      s.write_predicate(Field::d, s.operand(0));
    s.read_predicate(Field::a, s.operand(1));
    s.read(Field::b, s.operand(2), 32u);
    return s.emit();
  }
  s.unknown("no mode");
}

void match(StatementDecoder& s) {
  const bool all = s.take("all");
  if ((!all && !s.take("any")) || !s.take("sync")) s.unknown();
  const uint32_t bits = type_bits(s.take_type());
  Instruction& i = s.begin(Op::Match);
  i.modifier = all;
  if (bits == 64) i.flags |= flag_wide;
  write_with_predicate(s, 32);
  s.read(Field::a, s.operand(1), bits);
  s.read(Field::b, s.operand(2), 32u);
  s.emit();
}

void redux(StatementDecoder& s) {
  static constexpr std::pair<std::string_view, AtomicOp> ops[] = {
      {"add", AtomicOp::add},  {"min", AtomicOp::min}, {"max", AtomicOp::max},
      {"and", AtomicOp::and_}, {"or", AtomicOp::or_},  {"xor", AtomicOp::xor_}};
  if (!s.take("sync")) s.unknown();
  for (const auto& [name, op] : ops) {
    if (!s.take(name)) continue;
    const Type type = s.take_type();
    if (type != Type::s32 && type != Type::u32 && type != Type::b32) s.unknown("no such type");
    Instruction& i = s.begin(Op::Redux);
    i.type = type;
    i.modifier = static_cast<uint16_t>(op);
    s.write(Field::d, s.operand(0), 32);
    s.read(Field::a, s.operand(1), 32u);
    s.read(Field::b, s.operand(2), 32u);
    return s.emit();
  }
  s.unknown("no operation");
}

void activemask(StatementDecoder& s) {
  if (s.take_type() != Type::b32) s.unknown("no such type");
  s.begin(Op::Activemask);
  s.write(Field::d, s.operand(0), 32);
  s.emit();
}

void nanosleep(StatementDecoder& s) {
  if (s.take_type() != Type::u32) s.unknown("no such type");
  s.begin(Op::Nanosleep);
  s.read(Field::a, s.operand(0), 32u);
  s.emit();
}

template <Op op>
void plain(StatementDecoder& s) {
  s.begin(op);
  s.emit();
}

}  // namespace

void add_warp_opcodes(OpcodeTable& table) {
  table["shfl"] = shfl;
  table["vote"] = vote;
  table["match"] = match;
  table["redux"] = redux;
  table["activemask"] = activemask;
  table["nanosleep"] = nanosleep;
  table["exit"] = plain<Op::Exit>;
  table["trap"] = plain<Op::Trap>;
  table["brkpt"] = plain<Op::Brkpt>;
}

}  // namespace agon::simt::ptx
