#pragma once
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cuda/simt/decode/draft.h"
#include "cuda/simt/ptx/types.h"

namespace agon::simt::ptx {

/// What a symbol stands for in the function at hand.
struct Place {
  enum class Kind : uint8_t { memory, dynamic_shared, parameter_register };
  Kind kind = Kind::memory;
  Space space = Space::global;
  uint64_t address = 0;  ///< in its space
  int32_t reg = -1;      ///< of a scalar parameter of a device function: virtual register
  uint32_t size = 0;
};

/// Symbols of the function being decoded; throws for unknown ones.
class Symbols {
 public:
  virtual ~Symbols() = default;
  virtual Place resolve(const Operand& symbol) = 0;
  /// A constant operand with the address of dynamic shared memory plus `offset`.
  virtual int32_t dynamic_shared(int64_t offset, bool wide) = 0;
};

/// Where statements of one function go: its draft, its symbols and what its numbers are offset by.
struct Destination {
  Draft& draft;
  Symbols& symbols;
  int32_t register_base = 0;
};

/// Turns one statement into instructions. A handler takes every modifier and operand that it understands;
/// what is left over makes the statement an unknown instruction.
class StatementDecoder {
 public:
  StatementDecoder(Destination destination, const Statement& statement, uint32_t line);

  std::string_view opcode() const { return statement_.opcode; }
  bool take(std::string_view modifier);
  bool take_prefix(std::string_view prefix);
  Type take_type();
  Rounding take_rounding();
  /// Sets a flag of the current instruction for each modifier that is there.
  void take_flags(std::initializer_list<std::pair<std::string_view, Flag>> flags);
  size_t operand_count() const { return statement_.operands.size(); }
  const Operand& operand(size_t i);
  /// Throws "unknown instruction"; a reason may be added.
  [[noreturn]] void unknown(const std::string& reason = "") const;
  /// Throws `unknown` if the handler left modifiers or operands untouched.
  void check_all_taken() const;

  Instruction& begin(Op op);
  Instruction& current() { return instruction_; }
  void write(Field field, const Operand& o, uint32_t bits);
  void read(Field field, const Operand& o, uint32_t bits);
  void read(Field field, const Operand& o, Type type) { read(field, o, type_bits(type)); }
  void write_predicate(Field field, const Operand& o);
  void read_predicate(Field field, const Operand& o);
  /// a (or `field`) and immediate (or immediate2 for field b) from an address operand.
  void read_address(Field field, const Operand& o);
  void open_list();
  void write_list(const Operand& o, uint32_t bits);
  void read_list(const Operand& o, uint32_t bits);
  void emit();

  Operand new_register(RegisterClass kind);
  RegisterClass class_of(const Operand& reg) const;
  Place place_of(const Operand& symbol) { return destination_.symbols.resolve(symbol); }
  /// A register operand for a virtual register of the draft.
  Operand virtual_register(int32_t reg) const;

 private:
  int32_t value_of(const Operand& o, uint32_t bits);
  void reference(Field field, const Operand& o, bool written, bool predicate);
  int32_t& slot(Field field);

  Destination destination_;
  const Statement& statement_;
  uint32_t line_;
  std::vector<bool> taken_;
  size_t operands_taken_ = 0;
  Instruction instruction_;
  std::vector<Reference> references_;
};

using Handler = void (*)(StatementDecoder&);
using OpcodeTable = std::unordered_map<std::string_view, Handler>;
void add_integer_opcodes(OpcodeTable& table);
void add_arithmetic_opcodes(OpcodeTable& table);
void add_compare_opcodes(OpcodeTable& table);
void add_move_opcodes(OpcodeTable& table);
void add_memory_opcodes(OpcodeTable& table);
void add_atomic_opcodes(OpcodeTable& table);
void add_warp_opcodes(OpcodeTable& table);
void add_matrix_opcodes(OpcodeTable& table);

/// Decodes a statement that neither branches nor calls. Throws for an unknown instruction.
void decode_statement(Destination destination, const Statement& statement, uint32_t line);

}  // namespace agon::simt::ptx
