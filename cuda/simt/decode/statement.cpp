#include "cuda/simt/decode/statement.h"

#include <limits>

#include "agon/error.h"

namespace agon::simt::ptx {

StatementDecoder::StatementDecoder(Destination destination, const Statement& statement, uint32_t line)
    : destination_(destination), statement_(statement), line_(line), taken_(statement.modifiers.size()) {}

bool StatementDecoder::take(std::string_view modifier) {
  for (size_t i = 0; i < taken_.size(); ++i)
    if (!taken_[i] && statement_.modifiers[i] == modifier) {
      taken_[i] = true;
      return true;
    }
  return false;
}

bool StatementDecoder::take_prefix(std::string_view prefix) {
  for (size_t i = 0; i < taken_.size(); ++i)
    if (!taken_[i] && statement_.modifiers[i].starts_with(prefix)) {
      taken_[i] = true;
      return true;
    }
  return false;
}

Type StatementDecoder::take_type() {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i]) continue;
    const Type type = find_type(statement_.modifiers[i]);
    if (type == Type::none) continue;
    taken_[i] = true;
    return type;
  }
  unknown("no type");
}

Rounding StatementDecoder::take_rounding() {
  static constexpr std::pair<std::string_view, Rounding> names[] = {
      {"rn", Rounding::rn},   {"rz", Rounding::rz},   {"rm", Rounding::rm},
      {"rp", Rounding::rp},   {"rna", Rounding::rna}, {"rni", Rounding::rni},
      {"rzi", Rounding::rzi}, {"rmi", Rounding::rmi}, {"rpi", Rounding::rpi}};
  for (const auto& [name, rounding] : names)
    if (take(name)) return rounding;
  return Rounding::none;
}

void StatementDecoder::take_flags(std::initializer_list<std::pair<std::string_view, Flag>> flags) {
  for (const auto& [name, flag] : flags)
    if (take(name)) instruction_.flags |= flag;
}

const Operand& StatementDecoder::operand(size_t i) {
  if (i >= statement_.operands.size()) unknown(fmt::format("only {} operands", statement_.operands.size()));
  operands_taken_ = std::max(operands_taken_, i + 1);
  return statement_.operands[i];
}

void StatementDecoder::unknown(const std::string& reason) const {
  fail(ErrorKind::unsupported, "unknown instruction {}{}{}", spell(statement_), reason.empty() ? "" : ": ",
       reason);
}

void StatementDecoder::check_all_taken() const {
  for (size_t i = 0; i < taken_.size(); ++i)
    if (!taken_[i]) unknown(fmt::format("modifier .{}", statement_.modifiers[i]));
  if (operands_taken_ != statement_.operands.size())
    unknown(fmt::format("{} operands", statement_.operands.size()));
}

Instruction& StatementDecoder::begin(Op op) {
  instruction_ = {};
  instruction_.op = op;
  instruction_.line = line_;
  references_.clear();
  if (statement_.guard >= 0) {
    Operand guard;
    guard.kind = OperandKind::register_;
    guard.reg = statement_.guard;
    guard.negated = statement_.guard_negated;
    reference(Field::guard, guard, false, true);
    // Not always_true: what it becomes is known when registers have their slots.
    instruction_.guard = UINT16_MAX;
  }
  return instruction_;
}

int32_t& StatementDecoder::slot(Field field) {
  switch (field) {
    case Field::d:
      return instruction_.d;
    case Field::d2:
      return instruction_.d2;
    case Field::a:
      return instruction_.a;
    case Field::b:
      return instruction_.b;
    case Field::c:
      return instruction_.c;
    default:
      return destination_.draft.operands.back();
  }
}

RegisterClass StatementDecoder::class_of(const Operand& reg) const {
  return destination_.draft.registers[static_cast<size_t>(destination_.register_base + reg.reg)];
}

Operand StatementDecoder::virtual_register(int32_t reg) const {
  Operand o;
  o.kind = OperandKind::register_;
  o.reg = reg - destination_.register_base;
  return o;
}

Operand StatementDecoder::new_register(RegisterClass kind) {
  return virtual_register(destination_.draft.new_register(kind));
}

void StatementDecoder::reference(Field field, const Operand& o, bool written, bool predicate) {
  if (o.kind != OperandKind::register_) unknown("a register was expected");
  if ((class_of(o) == RegisterClass::predicate) != predicate)
    unknown(predicate ? "a predicate was expected" : "a predicate in the wrong place");
  if (o.negated && !predicate) unknown("'!' before a register");
  const auto list_index = static_cast<uint32_t>(destination_.draft.operands.size()) - 1;
  references_.push_back(
      {field, written, o.negated, destination_.register_base + o.reg, field == Field::list ? list_index : 0});
}

void StatementDecoder::write(Field field, const Operand& o, uint32_t bits) {
  if (o.kind == OperandKind::sink) return;
  reference(field, o, true, false);
  if ((class_of(o) == RegisterClass::b64) != (bits == 64))
    unknown("the result's width is not its register's");
}

int32_t StatementDecoder::value_of(const Operand& o, uint32_t bits) {
  ConstantPool& constants = destination_.draft.constants;
  const auto narrow = [&](uint64_t value) {
    return constants.add32(static_cast<uint32_t>(bits < 32 ? value & ((1u << bits) - 1) : value));
  };
  switch (o.kind) {
    case OperandKind::integer:
      return bits == 64 ? constants.add64(o.bits) : narrow(o.bits);
    case OperandKind::float32:
      if (bits == 32) return narrow(o.bits);
      break;
    case OperandKind::float64:
      if (bits == 64) return constants.add64(o.bits);
      break;
    case OperandKind::symbol: {
      if (bits < 32) break;
      const Place place = place_of(o);
      if (place.kind == Place::Kind::parameter_register) unknown("the address of a parameter in a register");
      if (place.kind == Place::Kind::dynamic_shared)
        return destination_.symbols.dynamic_shared(o.offset, bits == 64);
      const uint64_t address = place.address + static_cast<uint64_t>(o.offset);
      return bits == 64 ? constants.add64(address) : narrow(address);
    }
    default:
      break;
  }
  unknown("an operand of the wrong kind");
}

void StatementDecoder::read(Field field, const Operand& o, uint32_t bits) {
  if (o.kind != OperandKind::register_) {
    slot(field) = value_of(o, bits);
    return;
  }
  reference(field, o, false, false);
  if ((class_of(o) == RegisterClass::b64) != (bits == 64))
    unknown("an operand's width is not its register's");
}

void StatementDecoder::write_predicate(Field field, const Operand& o) {
  if (o.kind != OperandKind::sink) reference(field, o, true, true);
}

void StatementDecoder::read_predicate(Field field, const Operand& o) {
  if (o.kind == OperandKind::integer)
    slot(field) = static_cast<int32_t>(always_true) | (o.bits == 0 ? 1 : 0);
  else
    reference(field, o, false, true);
}

void StatementDecoder::read_address(Field field, const Operand& o) {
  if (o.kind != OperandKind::address) unknown("an address was expected");
  const Operand& base = o.items[0];
  int64_t offset = o.offset;
  if (base.kind == OperandKind::register_) {
    const bool narrow = class_of(base) == RegisterClass::b32;
    reference(field, base, false, false);
    if (narrow) instruction_.flags |= flag_address32;
  } else if (base.kind == OperandKind::symbol) {
    const Place place = place_of(base);
    if (place.kind == Place::Kind::memory && place.space != Space::global && place.space != Space::constant)
      offset += static_cast<int64_t>(place.address);  // small: no register needed
    else
      slot(field) = value_of(base, 64);
  } else if (base.kind == OperandKind::integer) {
    slot(field) = destination_.draft.constants.add64(base.bits);
  } else {
    unknown("an address of an unknown form");
  }
  if (offset != static_cast<int32_t>(offset)) unknown("an offset of more than 31 bits");
  (field == Field::b ? instruction_.immediate2 : instruction_.immediate) = static_cast<int32_t>(offset);
}

void StatementDecoder::open_list() {
  instruction_.list = static_cast<uint32_t>(destination_.draft.operands.size());
}

void StatementDecoder::write_list(const Operand& o, uint32_t bits) {
  destination_.draft.operands.push_back(no_operand);
  write(Field::list, o, bits);
}

void StatementDecoder::read_list(const Operand& o, uint32_t bits) {
  destination_.draft.operands.push_back(no_operand);
  read(Field::list, o, bits);
}

void StatementDecoder::emit() {
  Draft& draft = destination_.draft;
  draft.first_reference.push_back(static_cast<uint32_t>(draft.references.size()));
  draft.references.insert(draft.references.end(), references_.begin(), references_.end());
  draft.instructions.push_back(instruction_);
}

void decode_statement(Destination destination, const Statement& statement, uint32_t line) {
  static const OpcodeTable table = [] {
    OpcodeTable t;
    add_integer_opcodes(t);
    add_arithmetic_opcodes(t);
    add_compare_opcodes(t);
    add_move_opcodes(t);
    add_memory_opcodes(t);
    add_atomic_opcodes(t);
    add_warp_opcodes(t);
    add_matrix_opcodes(t);
    return t;
  }();
  StatementDecoder decoder(destination, statement, line);
  const auto handler = table.find(statement.opcode);
  if (handler == table.end()) decoder.unknown();
  handler->second(decoder);
  decoder.check_all_taken();
}

}  // namespace agon::simt::ptx
