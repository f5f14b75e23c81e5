#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/simt/ptx/module.h"

/// The body of one PTX function, parsed: statements with their registers resolved to numbers.
namespace agon::simt::ptx {

enum class RegisterClass : uint8_t { predicate, b32, b64 };

enum class OperandKind : uint8_t {
  register_,  ///< `reg`, `negated`
  pair,       ///< items: d|p
  integer,    ///< `bits`
  float32,    ///< `bits`
  float64,    ///< `bits`
  symbol,     ///< `name` + `offset`; `variable` if it is declared in the body
  special,    ///< `name`: %tid.x
  address,    ///< items[0] (register, symbol or integer) + `offset`
  list,       ///< items: {a, b} or (a, b)
  sink,       ///< _
};

struct Operand {
  OperandKind kind = OperandKind::sink;
  bool negated = false;
  int32_t reg = -1;
  int32_t variable = -1;
  uint32_t scope = 0;  ///< where a symbol was named, for labels
  uint64_t bits = 0;
  int64_t offset = 0;
  std::string_view name;
  std::vector<Operand> items;
};

struct Statement {
  std::string_view opcode;
  std::vector<std::string_view> modifiers;
  std::vector<Operand> operands;
  int32_t guard = -1;  ///< register
  bool guard_negated = false;
  uint32_t line = 0;       ///< in Body::lines
  uint32_t text_line = 0;  ///< of the PTX
};

/// The statement as it stands in the text without its operands: "fma.rn.f32".
std::string spell(const Statement& statement);

struct Body {
  std::vector<Statement> statements;
  std::vector<RegisterClass> registers;
  std::vector<LocalVariable> variables;  ///< .param, .shared, .local and depots
  std::vector<SourceLine> lines;         ///< lines[0] is the unknown line
  /// Statement of a label, and the labels of a branch table, by the scope they stand in.
  std::map<std::pair<uint32_t, std::string_view>, uint32_t> labels;
  std::map<std::pair<uint32_t, std::string_view>, std::vector<std::string_view>> tables;
  std::vector<uint32_t> scope_parents;  ///< scope 0 is the body

  /// The entry of `map` for a name seen from `scope`, null if there is none.
  template <class T>
  const T* find(const std::map<std::pair<uint32_t, std::string_view>, T>& map, uint32_t scope,
                std::string_view name) const {
    while (true) {
      if (const auto found = map.find({scope, name}); found != map.end()) return &found->second;
      if (scope == 0) return nullptr;
      scope = scope_parents[scope];
    }
  }
};

/// Throws agon::Error naming the line of text.
Body read_body(const Function& function, const ModuleText& module);

}  // namespace agon::simt::ptx
