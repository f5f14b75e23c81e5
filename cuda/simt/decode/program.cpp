#include "cuda/simt/program.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "agon/error.h"

#include "cuda/simt/decode/calls.h"
#include "cuda/simt/decode/function.h"
#include "cuda/simt/ptx/module.h"

namespace agon::simt {

std::string_view op_name(Op op) {
  static constexpr std::string_view names[] = {
#define OP(name) #name,
#include "cuda/simt/opcodes.inc"
#undef OP
  };
  return names[static_cast<size_t>(op)];
}

std::string describe_line(const Kernel& kernel, uint32_t line) {
  if (line == 0 || line >= kernel.lines.size()) return "unknown line";
  std::string text;
  for (uint32_t at = line; at != 0; at = kernel.lines[at].inlined_at) {
    const SourceLine& source = kernel.lines[at];
    if (!text.empty()) text += ", from ";
    text += fmt::format("{}:{}", source.file, source.line);
    if (!source.function.empty()) text += " in " + source.function;
  }
  return text;
}

struct Module::State {
  ptx::ModuleText text;
  std::vector<Variable> variables;
  bool placed = false;
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Kernel>, std::less<>> kernels;
};

Module::Module(std::string_view ptx) : state_(std::make_unique<State>()) {
  ptx::read_module(ptx, state_->text);
  for (const ptx::GlobalVariable& v : state_->text.variables) state_->variables.push_back(v.variable);
}

Module::~Module() = default;
Module::Module(Module&&) noexcept = default;
Module& Module::operator=(Module&&) noexcept = default;

void Module::place(const std::function<uint64_t(const Variable&)>& allocate) {
  ptx::ModuleText& text = state_->text;
  for (size_t i = 0; i < text.variables.size(); ++i) {
    Variable& v = text.variables[i].variable;
    if (!v.external) v.address = allocate(v);
  }
  for (ptx::GlobalVariable& global : text.variables)
    for (const ptx::Relocation& r : global.relocations) {
      uint64_t address = 0;
      if (const auto found = text.variable_index.find(r.symbol); found != text.variable_index.end())
        address = text.variables[found->second].variable.address;
      else
        check(text.function_index.contains(r.symbol), ErrorKind::unsupported,
              "initial value of {}: nothing is named {}", global.variable.name, r.symbol);
      const uint64_t value = (address + static_cast<uint64_t>(r.addend)) >> r.shift;
      for (uint32_t b = 0; b < r.bytes; ++b)
        global.variable.initial[r.offset + b] = static_cast<uint8_t>(value >> (8 * b));
    }
  for (size_t i = 0; i < text.variables.size(); ++i) state_->variables[i] = text.variables[i].variable;
  state_->placed = true;
}

std::span<const Variable> Module::variables() const {
  return state_->variables;
}

const Variable* Module::find_variable(std::string_view name) const {
  const auto found = state_->text.variable_index.find(name);
  return found == state_->text.variable_index.end() ? nullptr : &state_->variables[found->second];
}

std::vector<std::string> Module::kernel_names() const {
  std::vector<std::string> names;
  for (const ptx::Function& f : state_->text.functions)
    if (f.entry) names.emplace_back(f.name);
  return names;
}

const Kernel& Module::kernel(std::string_view name) const {
  check(state_->placed, ErrorKind::internal, "kernel {}: its module's variables have no addresses yet", name);
  const std::lock_guard lock(state_->mutex);
  if (const auto found = state_->kernels.find(name); found != state_->kernels.end()) return *found->second;
  const auto function = state_->text.function_index.find(name);
  check(function != state_->text.function_index.end() && state_->text.functions[function->second].entry,
        ErrorKind::usage, "no kernel is named {}", name);
  auto kernel =
      std::make_unique<Kernel>(ptx::decode_kernel(state_->text.functions[function->second], state_->text));
  return *state_->kernels.emplace(std::string(name), std::move(kernel)).first->second;
}

}  // namespace agon::simt
