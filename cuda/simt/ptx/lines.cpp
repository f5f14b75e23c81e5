#include "cuda/simt/ptx/lines.h"

#include "cuda/simt/ptx/lexer.h"
#include "cuda/simt/ptx/names.h"

namespace agon::simt::ptx {

LineTable::LineTable(const ModuleText& module, std::vector<SourceLine>& lines)
    : module_(module), lines_(lines) {
  lines_.emplace_back();
}

LineTable::Place LineTable::place(Lexer& lexer) {
  const auto file = static_cast<uint32_t>(lexer.integer());
  const auto line = static_cast<uint32_t>(lexer.integer());
  return {file, line, static_cast<uint32_t>(lexer.integer())};
}

uint32_t LineTable::read(Lexer& lexer) {
  const Place at = place(lexer);
  std::string function;
  uint32_t inlined_at = 0;
  while (lexer.accept(',')) {
    const std::string_view what = lexer.word("function_name or inlined_at");
    if (what == "function_name") {
      const auto found = module_.strings.find(lexer.word("a label of .debug_str"));
      if (found != module_.strings.end()) function = readable_name(found->second);
      if (lexer.accept('+')) lexer.integer();
    } else if (what == "inlined_at") {
      const Place caller = place(lexer);
      const auto found = latest_.find(caller);
      inlined_at = found != latest_.end() ? found->second : intern(caller, "", 0);
    } else {
      lexer.error("a part of .loc that this device does not know");
    }
  }
  return latest_[at] = intern(at, function, inlined_at);
}

uint32_t LineTable::intern(const Place& place, const std::string& function, uint32_t inlined_at) {
  const auto [at, added] =
      index_.emplace(std::tuple{place, function, inlined_at}, static_cast<uint32_t>(lines_.size()));
  if (added) {
    const auto [file, line, column] = place;
    const auto name = module_.files.find(file);
    lines_.push_back({name == module_.files.end() ? "" : name->second, function, line, column, inlined_at});
  }
  return at->second;
}

}  // namespace agon::simt::ptx
