#include "cuda/simt/decode/function.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "agon/error.h"

#include "cuda/simt/decode/calls.h"
#include "cuda/simt/decode/finish.h"
#include "cuda/simt/decode/statement.h"
#include "cuda/simt/ptx/names.h"

namespace agon::simt::ptx {
namespace {

uint32_t align_up(uint32_t value, uint32_t align) {
  return (value + align - 1) / align * align;
}

// One function at one place of the kernel: the entry, or a call that is inlined.
struct Frame {
  const Function* function = nullptr;
  const Frame* caller = nullptr;
  Body body;
  int32_t register_base = 0;
  uint32_t call_line = 0;        // of the draft
  std::vector<uint32_t> lines;   // the draft's line of each of the body's lines
  std::vector<Place> variables;  // of Body::variables
  std::map<std::string_view, Place> parameters;
  std::vector<uint32_t> starts;  // first instruction of each statement, and the end
};

class KernelDecoder final : public Symbols {
 public:
  KernelDecoder(const Function& entry, const ModuleText& module) : entry_(entry), module_(module) {}

  Kernel decode() {
    Frame frame;
    frame.function = &entry_;
    uint32_t offset = 0;
    for (const LocalVariable& p : entry_.params) {
      offset = align_up(offset, p.align);
      kernel_.params.push_back({std::string(p.name), offset, p.size, p.align});
      frame.parameters[p.name] = {Place::Kind::memory, Space::param, offset, -1, p.size};
      offset += p.size;
    }
    kernel_.param_bytes = offset;
    run(frame);
    if (end_reached()) emit_exit();
    return finish();
  }

  Place resolve(const Operand& symbol) override {
    if (symbol.variable >= 0) return frame_->variables[static_cast<size_t>(symbol.variable)];
    if (const auto p = frame_->parameters.find(symbol.name); p != frame_->parameters.end()) return p->second;
    for (const LocalVariable& v : module_.shared)
      if (v.name == symbol.name) return shared_place(v);
    for (const LocalVariable& v : module_.dynamic_shared)
      if (v.name == symbol.name) {
        dynamic_align_ = std::max(dynamic_align_, v.align);
        return {Place::Kind::dynamic_shared, Space::shared, 0, -1, 0};
      }
    if (const auto v = module_.variable_index.find(symbol.name); v != module_.variable_index.end()) {
      const Variable& variable = module_.variables[v->second].variable;
      check(!variable.external, ErrorKind::unsupported, "{} is declared but defined in no module",
            symbol.name);
      return {Place::Kind::memory, variable.space, variable.address, -1,
              static_cast<uint32_t>(variable.size)};
    }
    if (module_.function_index.contains(symbol.name))
      fail(ErrorKind::unsupported, "the address of function {}: calls by address are not supported",
           symbol.name);
    fail(ErrorKind::unsupported, "nothing is named {}", symbol.name);
  }

  int32_t dynamic_shared(int64_t offset, bool wide) override {
    dynamic_uses_.push_back({draft_.constants.reserve(wide), wide, offset});
    return dynamic_uses_.back().constant;
  }

 private:
  struct DynamicUse {
    int32_t constant;
    bool wide;
    int64_t offset;
  };
  // A branch whose targets are statements of the frame being decoded.
  struct Jump {
    uint32_t instruction;
    std::vector<uint32_t> statements;
  };

  void run(Frame& frame) {
    const Frame* const outer = frame_;
    frame_ = &frame;
    frame.caller = outer;
    frame.body = read_body(*frame.function, module_);
    frame.register_base = static_cast<int32_t>(draft_.registers.size());
    draft_.registers.insert(draft_.registers.end(), frame.body.registers.begin(), frame.body.registers.end());
    add_lines(frame);
    const uint32_t local_before = local_top_;
    place_variables(frame);
    std::vector<Jump> jumps;
    for (const Statement& s : frame.body.statements) {
      frame.starts.push_back(here());
      statement(frame, s, jumps);
    }
    frame.starts.push_back(here());
    for (const Jump& jump : jumps) {
      Instruction& i = draft_.instructions[jump.instruction];
      if (i.op == Op::Bra) i.target = frame.starts[jump.statements[0]];
      if (i.op == Op::BrxIdx)
        for (size_t k = 0; k < jump.statements.size(); ++k)
          draft_.operands[i.list + k] = static_cast<int32_t>(frame.starts[jump.statements[k]]);
    }
    local_top_ = local_before;
    frame_ = outer;
  }

  uint32_t here() const { return static_cast<uint32_t>(draft_.instructions.size()); }

  // The body's lines join the draft's; those outside of any inlined call were called from the call's line.
  void add_lines(Frame& frame) {
    const auto base = static_cast<uint32_t>(draft_.lines.size());
    frame.lines.push_back(frame.call_line);
    for (size_t i = 1; i < frame.body.lines.size(); ++i) {
      SourceLine line = frame.body.lines[i];
      if (line.inlined_at != 0) {
        line.inlined_at += base - 1;
      } else if (frame.caller != nullptr) {
        line.inlined_at = frame.call_line;
        line.function = readable_name(frame.function->name);
      }
      frame.lines.push_back(static_cast<uint32_t>(draft_.lines.size()));
      draft_.lines.push_back(std::move(line));
    }
  }

  void place_variables(Frame& frame) {
    for (const LocalVariable& v : frame.body.variables) {
      if (v.space == Space::shared) {
        frame.variables.push_back(shared_place(v));
      } else if (v.space == Space::param && !v.array) {
        const int32_t reg = draft_.new_register(v.size == 8 ? RegisterClass::b64 : RegisterClass::b32);
        frame.variables.push_back({Place::Kind::parameter_register, Space::param, 0, reg, v.size});
      } else {
        local_top_ = align_up(local_top_, std::max(v.align, 4u));
        frame.variables.push_back({Place::Kind::memory, Space::local, local_top_, -1, v.size});
        local_top_ += v.size;
        kernel_.local_bytes = std::max(kernel_.local_bytes, align_up(local_top_, 16));
      }
    }
  }

  Place shared_place(const LocalVariable& v) {
    const auto [at, added] = shared_.emplace(v.name, 0);
    if (added) {
      at->second = align_up(kernel_.shared_bytes, v.align);
      kernel_.shared_bytes = at->second + v.size;
      kernel_.shared_align = std::max(kernel_.shared_align, v.align);
    }
    return {Place::Kind::memory, Space::shared, at->second, -1, v.size};
  }

  void statement(Frame& frame, const Statement& s, std::vector<Jump>& jumps) {
    const uint32_t line = frame.lines[s.line];
    try {
      if (s.opcode == "bra") {
        branch(frame, s, line, jumps);
      } else if (s.opcode == "brx") {
        indexed_branch(frame, s, line, jumps);
      } else if (s.opcode == "ret") {
        leave(frame, s, line, jumps);
      } else if (s.opcode == "call") {
        guarded_call(frame, s, line, jumps);
      } else {
        decode_statement({draft_, *this, frame.register_base}, s, line);
      }
    } catch (const Error& error) {
      if (named_) throw;
      named_ = true;
      SourceLine unknown;
      Kernel at;
      at.lines = draft_.lines;
      const std::string where = line == 0 ? "" : " at " + describe_line(at, line);
      fail(error.kind(), "kernel {}: {}{} (PTX line {})", readable_name(entry_.name), error.what(), where,
           s.text_line);
    }
  }

  StatementDecoder decoder(Frame& frame, const Statement& s, uint32_t line) {
    return {{draft_, *this, frame.register_base}, s, line};
  }

  void branch(Frame& frame, const Statement& s, uint32_t line, std::vector<Jump>& jumps) {
    StatementDecoder d = decoder(frame, s, line);
    d.take("uni");
    const Operand& target = d.operand(0);
    const uint32_t* label = frame.body.find(frame.body.labels, target.scope, target.name);
    if (target.kind != OperandKind::symbol || !label) d.unknown(fmt::format("no label {}", target.name));
    d.begin(Op::Bra);
    d.check_all_taken();
    jumps.push_back({here(), {*label}});
    d.emit();
  }

  void indexed_branch(Frame& frame, const Statement& s, uint32_t line, std::vector<Jump>& jumps) {
    StatementDecoder d = decoder(frame, s, line);
    if (!d.take("idx")) d.unknown();
    d.take("uni");
    const Operand& name = d.operand(1);
    const auto* table = frame.body.find(frame.body.tables, name.scope, name.name);
    if (name.kind != OperandKind::symbol || !table) d.unknown(fmt::format("no table {}", name.name));
    Instruction& i = d.begin(Op::BrxIdx);
    i.immediate = static_cast<int32_t>(table->size());
    d.read(Field::a, d.operand(0), 32u);
    d.open_list();
    Jump jump{here(), {}};
    for (const std::string_view target : *table) {
      const uint32_t* label = frame.body.find(frame.body.labels, name.scope, target);
      if (!label) d.unknown(fmt::format("no label {}", target));
      jump.statements.push_back(*label);
      draft_.operands.push_back(no_operand);
    }
    d.check_all_taken();
    jumps.push_back(std::move(jump));
    d.emit();
  }

  void leave(Frame& frame, const Statement& s, uint32_t line, std::vector<Jump>& jumps) {
    StatementDecoder d = decoder(frame, s, line);
    d.take("uni");
    d.check_all_taken();
    if (frame.caller == nullptr) {
      d.begin(Op::Exit);
    } else if (&s == &frame.body.statements.back()) {
      return;
    } else {
      d.begin(Op::Bra);
      jumps.push_back({here(), {static_cast<uint32_t>(frame.body.statements.size())}});
    }
    d.emit();
  }

  // A call under a predicate: the lanes without it branch around.
  void guarded_call(Frame& frame, const Statement& s, uint32_t line, std::vector<Jump>& jumps) {
    if (s.guard < 0) return call(frame, s, line);
    Statement around = s;
    around.guard_negated = !s.guard_negated;
    StatementDecoder d = decoder(frame, around, line);
    d.begin(Op::Bra);
    jumps.push_back({here(), {static_cast<uint32_t>(frame.starts.size())}});
    d.emit();
    Statement inside = s;
    inside.guard = -1;
    call(frame, inside, line);
  }

  void call(Frame& frame, const Statement& s, uint32_t line) {
    StatementDecoder d = decoder(frame, s, line);
    const CallParts parts = call_parts(d);
    const auto found = module_.function_index.find(parts.callee);
    if (found == module_.function_index.end()) d.unknown(fmt::format("no function {}", parts.callee));
    const Function& callee = module_.functions[found->second];
    if (!callee.defined) {
      if (!system_call(d, parts)) d.unknown(fmt::format("{} is defined in no module", parts.callee));
      return;
    }
    for (const Frame* f = &frame; f != nullptr; f = f->caller)
      if (f->function == &callee) d.unknown(fmt::format("{} calls itself", readable_name(callee.name)));
    if (parts.arguments.size() != callee.params.size() || parts.results.size() != callee.returns.size())
      d.unknown(fmt::format("{} takes another number of arguments", parts.callee));
    Frame inner;
    inner.function = &callee;
    inner.call_line = line;
    for (size_t i = 0; i < parts.arguments.size(); ++i)
      inner.parameters[callee.params[i].name] = resolve(*parts.arguments[i]);
    for (size_t i = 0; i < parts.results.size(); ++i)
      inner.parameters[callee.returns[i].name] = resolve(*parts.results[i]);
    run(inner);
  }

  // Whether the kernel can run past its last instruction.
  bool end_reached() const {
    const auto& instructions = draft_.instructions;
    if (instructions.empty() || instructions.back().op != Op::Exit ||
        instructions.back().guard != always_true)
      return true;
    const auto at_end = [&](const Instruction& i) {
      if (i.op != Op::BrxIdx) return i.op == Op::Bra && i.target == here();
      const auto* targets = draft_.operands.data() + i.list;
      return std::find(targets, targets + i.immediate, static_cast<int32_t>(here())) != targets + i.immediate;
    };
    return std::any_of(instructions.begin(), instructions.end(), at_end);
  }

  void emit_exit() {
    const Statement statement;
    StatementDecoder d({draft_, *this, 0}, statement, 0);
    d.begin(Op::Exit);
    d.emit();
  }

  Kernel finish() {
    kernel_.name = entry_.name;
    kernel_.max_threads = entry_.max_threads;
    kernel_.required_threads = entry_.required_threads;
    kernel_.shared_align = std::max(kernel_.shared_align, dynamic_align_);
    kernel_.shared_bytes = align_up(kernel_.shared_bytes, dynamic_align_);
    for (const DynamicUse& use : dynamic_uses_)
      draft_.constants.set(use.constant, use.wide, kernel_.shared_bytes + static_cast<uint64_t>(use.offset));
    finish_kernel(std::move(draft_), kernel_);
    return std::move(kernel_);
  }

  const Function& entry_;
  const ModuleText& module_;
  Kernel kernel_;
  Draft draft_;
  const Frame* frame_ = nullptr;
  std::map<std::string_view, uint32_t> shared_;  // offsets of the variables in use
  std::vector<DynamicUse> dynamic_uses_;
  uint32_t dynamic_align_ = 16;
  uint32_t local_top_ = 0;
  bool named_ = false;  // the error on its way out says where it came from
};

}  // namespace

Kernel decode_kernel(const Function& entry, const ModuleText& module) {
  return KernelDecoder(entry, module).decode();
}

}  // namespace agon::simt::ptx
