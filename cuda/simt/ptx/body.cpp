#include "cuda/simt/ptx/body.h"

#include <charconv>
#include <unordered_map>

#include "agon/error.h"

#include "cuda/simt/ptx/lexer.h"
#include "cuda/simt/ptx/lines.h"

namespace agon::simt::ptx {
namespace {

struct RegisterRange {
  int32_t first = 0;
  uint32_t count = 0;  // 0: the name stands for one register, not for a range
};

class BodyReader {
 public:
  BodyReader(const Function& function, const ModuleText& module)
      : lexer_(function.body, function.body_line), lines_(module, body_.lines) {}

  Body read() {
    open_scope(0);
    while (lexer_.peek().kind != TokenKind::end) statement();
    return std::move(body_);
  }

 private:
  struct Scope {
    uint32_t id = 0;
    std::unordered_map<std::string_view, RegisterRange> registers;
    std::unordered_map<std::string_view, int32_t> variables;
  };

  void open_scope(uint32_t parent) {
    scopes_.push_back({static_cast<uint32_t>(body_.scope_parents.size()), {}, {}});
    body_.scope_parents.push_back(parent);
  }

  void statement() {
    const Token& next = lexer_.peek();
    if (lexer_.accept(';')) return;
    if (lexer_.accept('{')) return open_scope(scopes_.back().id);
    if (lexer_.accept('}')) {
      if (scopes_.size() == 1) lexer_.error("a '}' too many");
      scopes_.pop_back();
    } else if (next.kind == TokenKind::dotted) {
      directive();
    } else if (next.kind == TokenKind::word) {
      const Token first = lexer_.take();
      if (lexer_.accept(':'))
        label(first.text);
      else
        instruction(first, -1, false);
    } else if (lexer_.accept('@')) {
      const bool negated = lexer_.accept('!');
      const Operand guard = named(lexer_.word("a predicate"));
      if (guard.kind != OperandKind::register_) lexer_.error("expected a predicate register");
      if (lexer_.peek().kind != TokenKind::word) lexer_.error("expected an instruction");
      const Token opcode = lexer_.take();
      instruction(opcode, guard.reg, negated);
    } else {
      lexer_.error("expected a statement");
    }
  }

  void label(std::string_view name) {
    const uint32_t scope = scopes_.back().id;
    if (lexer_.accept(".branchtargets")) {
      auto& table = body_.tables[{scope, name}];
      do table.push_back(lexer_.word("a label"));
      while (lexer_.accept(','));
      lexer_.expect(';');
    } else if (lexer_.accept(".callprototype")) {
      while (!lexer_.accept(';')) lexer_.take();
    } else {
      body_.labels[{scope, name}] = static_cast<uint32_t>(body_.statements.size());
    }
  }

  void directive() {
    if (lexer_.accept(".loc")) {
      line_ = lines_.read(lexer_);
    } else if (lexer_.accept(".reg")) {
      registers();
    } else if (lexer_.accept(".pragma")) {
      lexer_.take();
      lexer_.expect(';');
    } else if (lexer_.accept(".param")) {
      variable(Space::param);
    } else if (lexer_.accept(".shared")) {
      variable(Space::shared);
    } else if (lexer_.accept(".local")) {
      variable(Space::local);
    } else {
      lexer_.error("a directive that this device does not know");
    }
  }

  void variable(Space space) {
    Type type = Type::none;
    const LocalVariable v = read_variable(lexer_, space, type);
    lexer_.expect(';');
    scopes_.back().variables[v.name] = static_cast<int32_t>(body_.variables.size());
    body_.variables.push_back(v);
  }

  void registers() {
    const std::string_view name = lexer_.dotted("a register's type");
    const Type type = find_type(name);
    if (type == Type::none) lexer_.error(fmt::format("registers of type .{} are not known", name));
    const RegisterClass kind = type == Type::pred      ? RegisterClass::predicate
                               : type_bits(type) == 64 ? RegisterClass::b64
                                                       : RegisterClass::b32;
    do {
      const std::string_view reg = lexer_.word("a register's name");
      RegisterRange range{static_cast<int32_t>(body_.registers.size()), 0};
      if (lexer_.accept('<')) {
        range.count = static_cast<uint32_t>(lexer_.integer());
        lexer_.expect('>');
      }
      scopes_.back().registers[reg] = range;
      body_.registers.insert(body_.registers.end(), std::max(range.count, 1u), kind);
    } while (lexer_.accept(','));
    lexer_.expect(';');
  }

  void instruction(const Token& opcode, int32_t guard, bool negated) {
    Statement s;
    s.opcode = opcode.text;
    s.text_line = opcode.line;
    s.line = line_;
    s.guard = guard;
    s.guard_negated = negated;
    while (lexer_.peek().kind == TokenKind::dotted) s.modifiers.push_back(lexer_.take().text);
    if (!lexer_.accept(';')) {
      do s.operands.push_back(operand());
      while (lexer_.accept(','));
      lexer_.expect(';');
    }
    body_.statements.push_back(std::move(s));
  }

  Operand operand() {
    Operand o = simple_operand();
    if (lexer_.accept('|')) {
      Operand pair;
      pair.kind = OperandKind::pair;
      pair.items.push_back(std::move(o));
      pair.items.push_back(simple_operand());
      return pair;
    }
    return o;
  }

  Operand simple_operand() {
    Operand o;
    if (lexer_.accept('[')) {
      o.kind = OperandKind::address;
      o.items.push_back(simple_operand());
      // What a symbol or number carries already is the offset of the address.
      std::swap(o.offset, o.items[0].offset);
      o.offset += addend();
      lexer_.expect(']');
    } else if (lexer_.peek().is('{') || lexer_.peek().is('(')) {
      const char close = lexer_.take().is('{') ? '}' : ')';
      o.kind = OperandKind::list;
      if (!lexer_.accept(close)) {
        do o.items.push_back(simple_operand());
        while (lexer_.accept(','));
        lexer_.expect(close);
      }
    } else if (lexer_.accept('!')) {
      o = named(lexer_.word("a predicate"));
      o.negated = true;
    } else if (lexer_.peek().kind == TokenKind::word) {
      o = named(lexer_.take().text);
      if (o.kind == OperandKind::symbol) o.offset = addend();
    } else {
      o = number();
    }
    return o;
  }

  int64_t addend() {
    int64_t sum = 0;
    while (lexer_.peek().is('+') || lexer_.peek().is('-'))
      sum += lexer_.take().is('-') ? -lexer_.integer() : lexer_.integer();
    return sum;
  }

  Operand number() {
    Operand o;
    const bool minus = lexer_.accept('-');
    if (lexer_.peek().kind != TokenKind::number) lexer_.error("expected an operand");
    const std::string_view text = lexer_.take().text;
    bool is_double = false;
    o.kind = OperandKind::integer;
    if (float_bits(text, o.bits, is_double)) {
      o.kind = is_double ? OperandKind::float64 : OperandKind::float32;
      if (minus) o.bits ^= is_double ? uint64_t{1} << 63 : uint64_t{1} << 31;
    } else {
      o.bits = integer_value(text);
      if (minus) o.bits = 0 - o.bits;
    }
    return o;
  }

  // A register, a special register, or a symbol, by the scopes from the inside out.
  Operand named(std::string_view name) {
    Operand o;
    if (name == "_") return o;
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (find_register(*scope, name, o)) return o;
      if (const auto found = scope->variables.find(name); found != scope->variables.end()) {
        o.kind = OperandKind::symbol;
        o.name = name;
        o.variable = found->second;
        return o;
      }
    }
    if (name.starts_with('%')) {
      o.kind = OperandKind::special;
      // %tid.x: the view is widened over the dot and what follows it.
      if (lexer_.peek().kind == TokenKind::dotted) {
        const std::string_view part = lexer_.take().text;
        name = {name.data(), static_cast<size_t>(part.data() + part.size() - name.data())};
      }
    } else if (name == "WARP_SZ") {
      o.kind = OperandKind::integer;
      o.bits = 32;
    } else {
      o.kind = OperandKind::symbol;
      o.scope = scopes_.back().id;
    }
    o.name = name;
    return o;
  }

  static bool find_register(const Scope& scope, std::string_view name, Operand& o) {
    if (const auto found = scope.registers.find(name);
        found != scope.registers.end() && found->second.count == 0) {
      o.kind = OperandKind::register_;
      o.reg = found->second.first;
      return true;
    }
    size_t digits = name.size();
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
    // The range's own name may end in a digit (%r1<5>): try each split.
    for (; digits < name.size(); ++digits) {
      const auto found = scope.registers.find(name.substr(0, digits));
      uint32_t index = 0;
      const auto parsed = std::from_chars(name.data() + digits, name.data() + name.size(), index);
      if (found == scope.registers.end() || parsed.ec != std::errc{} || index >= found->second.count)
        continue;
      o.kind = OperandKind::register_;
      o.reg = found->second.first + static_cast<int32_t>(index);
      return true;
    }
    return false;
  }

  Body body_;
  Lexer lexer_;
  LineTable lines_;
  std::vector<Scope> scopes_;
  uint32_t line_ = 0;
};

}  // namespace

std::string spell(const Statement& statement) {
  std::string text(statement.opcode);
  for (const std::string_view modifier : statement.modifiers) {
    text += '.';
    text += modifier;
  }
  return text;
}

Body read_body(const Function& function, const ModuleText& module) {
  return BodyReader(function, module).read();
}

}  // namespace agon::simt::ptx
