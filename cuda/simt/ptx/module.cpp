#include "cuda/simt/ptx/module.h"

#include <algorithm>
#include <limits>

#include "agon/error.h"

#include "cuda/simt/ptx/lexer.h"

namespace agon::simt::ptx {
namespace {

class ModuleReader {
 public:
  explicit ModuleReader(ModuleText& module) : module_(module), lexer_(module.text) {}

  void read() {
    while (lexer_.peek().kind != TokenKind::end) statement();
  }

 private:
  void statement() {
    bool external = false;
    while (true) {
      if (lexer_.accept(".extern")) {
        external = true;
      } else if (!lexer_.accept(".visible") && !lexer_.accept(".weak") && !lexer_.accept(".common")) {
        break;
      }
    }
    if (lexer_.accept(".version") || lexer_.accept(".address_size")) {
      lexer_.take();
    } else if (lexer_.accept(".target")) {
      do lexer_.word("a target");
      while (lexer_.accept(','));
    } else if (lexer_.accept(".file")) {
      file();
    } else if (lexer_.accept(".section")) {
      section();
    } else if (lexer_.accept(".global")) {
      variable(Space::global, external);
    } else if (lexer_.accept(".const")) {
      variable(Space::constant, external);
    } else if (lexer_.accept(".shared")) {
      shared(external);
    } else if (lexer_.accept(".entry")) {
      function(true);
    } else if (lexer_.accept(".func")) {
      function(false);
    } else if (lexer_.accept(".pragma")) {
      lexer_.take();
      lexer_.expect(';');
    } else {
      lexer_.error("expected a directive that this device knows");
    }
  }

  void file() {
    const auto id = static_cast<uint32_t>(lexer_.integer());
    module_.files[id] = lexer_.take().text;
    while (lexer_.accept(',')) lexer_.take();  // time stamp and size
  }

  // Debug sections: only the strings, which name the inlined functions of .loc, are of use.
  void section() {
    const std::string_view name = lexer_.dotted("a section");
    const std::string_view body = lexer_.braces();
    if (name != "debug_str") return;
    Lexer lines(body);
    std::string* string = nullptr;
    while (lines.peek().kind != TokenKind::end) {
      if (lines.peek().kind == TokenKind::word) {
        string = &module_.strings[lines.take().text];
        lines.expect(':');
      } else if (lines.accept(".b8")) {
        do {
          const auto c = static_cast<char>(lines.integer());
          if (string && c) *string += c;
        } while (lines.accept(','));
      } else {
        lines.error("expected a string's bytes");
      }
    }
  }

  void shared(bool external) {
    Type type = Type::none;
    const LocalVariable variable = read_variable(lexer_, Space::shared, type);
    lexer_.expect(';');
    (external ? module_.dynamic_shared : module_.shared).push_back(variable);
  }

  void variable(Space space, bool external) {
    if (lexer_.accept(".attribute")) {
      lexer_.expect('(');
      lexer_.dotted("an attribute");
      lexer_.expect(')');
    }
    Type type = Type::none;
    const LocalVariable declared = read_variable(lexer_, space, type);
    GlobalVariable global;
    Variable& v = global.variable;
    v.name = declared.name;
    v.space = space;
    v.size = declared.size;
    v.align = declared.align;
    v.external = external;
    if (lexer_.accept('=')) {
      const uint32_t width = type_bits(type) / 8;
      if (lexer_.accept('{')) {
        if (!lexer_.accept('}')) {
          do element(global, width);
          while (lexer_.accept(','));
          lexer_.expect('}');
        }
        v.size = std::max<uint64_t>(v.size, v.initial.size());
      } else {
        element(global, width);
      }
      if (v.initial.size() > v.size) lexer_.error("more initial values than elements");
    }
    lexer_.expect(';');
    v.initial.resize(v.size);
    if (!module_.variable_index.emplace(declared.name, module_.variables.size()).second)
      lexer_.error(fmt::format("a second definition of {}", declared.name));
    module_.variables.push_back(std::move(global));
  }

  // One initial value: a number, symbol, generic(symbol), each with an addend; 0xFF00(symbol) is one byte.
  void element(GlobalVariable& global, uint32_t width) {
    std::vector<uint8_t>& bytes = global.variable.initial;
    const uint64_t offset = bytes.size();
    const bool minus = lexer_.accept('-');
    uint64_t value = 0;
    if (lexer_.peek().kind == TokenKind::number) {
      const std::string_view text = lexer_.take().text;
      bool is_double = false;
      if (!float_bits(text, value, is_double)) value = integer_value(text);
      if (minus) value = 0 - value;
      if (lexer_.accept('(')) {  // a mask, which selects the byte of an address
        Relocation relocation = address(offset);
        lexer_.expect(')');
        relocation.bytes = width;
        for (uint64_t mask = value; mask && !(mask & 0xff); mask >>= 8) relocation.shift += 8;
        global.relocations.push_back(relocation);
        value = 0;
      }
    } else {
      Relocation relocation = address(offset);
      relocation.bytes = width;
      global.relocations.push_back(relocation);
    }
    for (uint32_t i = 0; i < width; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }

  Relocation address(uint64_t offset) {
    Relocation relocation;
    relocation.offset = offset;
    relocation.symbol = lexer_.word("a value");
    if (relocation.symbol == "generic" && lexer_.accept('(')) {
      relocation.symbol = lexer_.word("a symbol");
      relocation.generic = true;
      addend(relocation);
      lexer_.expect(')');
    }
    addend(relocation);
    return relocation;
  }

  void addend(Relocation& relocation) {
    while (lexer_.peek().is('+') || lexer_.peek().is('-')) {
      const bool minus = lexer_.take().is('-');
      relocation.addend += minus ? -lexer_.integer() : lexer_.integer();
    }
  }

  std::vector<LocalVariable> parameters() {
    std::vector<LocalVariable> list;
    if (!lexer_.accept('(')) return list;
    if (lexer_.accept(')')) return list;
    do {
      if (!lexer_.accept(".param")) lexer_.error("expected .param");
      Type type = Type::none;
      list.push_back(read_variable(lexer_, Space::param, type));
    } while (lexer_.accept(','));
    lexer_.expect(')');
    return list;
  }

  void function(bool entry) {
    Function f;
    f.entry = entry;
    if (!entry) f.returns = parameters();
    f.name = lexer_.word("a function's name");
    f.params = parameters();
    while (lexer_.peek().kind == TokenKind::dotted) attribute(f);
    if (lexer_.peek().is('{')) {
      f.defined = true;
      f.body_line = lexer_.peek().line;
      f.body = lexer_.braces();
    } else {
      lexer_.expect(';');
    }
    const auto [at, added] = module_.function_index.emplace(f.name, module_.functions.size());
    if (added)
      module_.functions.push_back(std::move(f));
    else if (f.defined)
      module_.functions[at->second] = std::move(f);
  }

  void attribute(Function& f) {
    const std::string_view name = lexer_.dotted("a function's attribute");
    std::vector<uint32_t> values;
    if (name == "pragma") {
      lexer_.take();
      lexer_.expect(';');
      return;
    }
    if (name != "noreturn" && name != "blocksareclusters" && name != "explicitcluster") {
      do values.push_back(static_cast<uint32_t>(lexer_.integer()));
      while (lexer_.accept(','));
    }
    std::array<uint32_t, 3> threads{1, 1, 1};
    std::copy_n(values.begin(), std::min<size_t>(values.size(), 3), threads.begin());
    if (name == "maxntid") {
      f.max_threads = threads;
    } else if (name == "reqntid") {
      f.required_threads = threads;
    } else if (name != "minnctapersm" && name != "maxnreg" && name != "noreturn") {
      lexer_.error(fmt::format("function attribute .{} is not known to this device", name));
    }
  }

  ModuleText& module_;
  Lexer lexer_;
};

}  // namespace

LocalVariable read_variable(Lexer& lexer, Space space, Type& type) {
  LocalVariable v;
  v.space = space;
  bool aligned = false, pointer = false;
  while (lexer.peek().kind == TokenKind::dotted) {
    const std::string_view name = lexer.take().text;
    if (name == "align") {
      const auto align = static_cast<uint32_t>(lexer.integer());
      if (!pointer) v.align = align;
      aligned = !pointer;
    } else if (name == "ptr") {  // ".ptr .global": a promise about a parameter's pointer
      pointer = true;
      for (const char* to : {".global", ".shared", ".local", ".const"}) lexer.accept(to);
    } else if (type == Type::none) {
      type = find_type(name);
      if (type == Type::none || type == Type::pred) lexer.error(fmt::format("no type: .{}", name));
    } else {
      lexer.error(fmt::format("unexpected .{}", name));
    }
  }
  if (type == Type::none) lexer.error("a variable without a type");
  v.name = lexer.word("a variable's name");
  uint64_t size = type_bits(type) / 8;
  if (!aligned) v.align = static_cast<uint32_t>(size);
  while (lexer.accept('[')) {
    v.array = true;
    size *= lexer.peek().is(']') ? 0 : static_cast<uint64_t>(lexer.integer());
    lexer.expect(']');
  }
  if (size > std::numeric_limits<uint32_t>::max()) lexer.error("a variable of more than 4 GiB");
  v.size = static_cast<uint32_t>(size);
  return v;
}

void read_module(std::string_view text, ModuleText& module) {
  module.text = text;
  ModuleReader(module).read();
}

}  // namespace agon::simt::ptx
