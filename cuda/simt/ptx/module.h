#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cuda/simt/program.h"
#include "cuda/simt/ptx/types.h"

/// A PTX module as text: its variables, and its functions with bodies not yet read.
namespace agon::simt::ptx {

/// A parameter of a function, or a variable declared in its body.
struct LocalVariable {
  std::string_view name;
  Space space = Space::param;
  uint32_t size = 0, align = 1;
  bool array = false;  ///< declared with brackets: lies in memory
};

struct Function {
  std::string_view name;
  bool entry = false, defined = false;
  std::vector<LocalVariable> returns, params;
  std::string_view body;
  uint32_t body_line = 0;  ///< line of text where the body starts
  std::array<uint32_t, 3> max_threads{}, required_threads{};
};

/// An address inside a variable's initial bytes: byte `shift / 8` and up of (symbol + addend) at `offset`.
struct Relocation {
  uint64_t offset = 0;
  std::string_view symbol;
  int64_t addend = 0;
  uint32_t bytes = 8, shift = 0;
  bool generic = false;
};

struct GlobalVariable {
  Variable variable;
  std::vector<Relocation> relocations;
};

struct ModuleText {
  std::string text;
  std::vector<GlobalVariable> variables;      ///< .global and .const
  std::vector<LocalVariable> shared;          ///< .shared outside of functions
  std::vector<LocalVariable> dynamic_shared;  ///< .extern .shared
  std::unordered_map<std::string_view, size_t> variable_index, function_index;
  std::vector<Function> functions;
  std::map<uint32_t, std::string> files;                      ///< of .file
  std::unordered_map<std::string_view, std::string> strings;  ///< labels of .debug_str
};

/// Reads a module. The result's views point into its own `text`: it may be moved only through a pointer.
void read_module(std::string_view text, ModuleText& module);

class Lexer;
/// Reads ".align 4 .b8 name[16]" behind the state space; `type` gets the element's type.
LocalVariable read_variable(Lexer& lexer, Space space, Type& type);

}  // namespace agon::simt::ptx
