#pragma once
#include <map>
#include <tuple>
#include <vector>

#include "cuda/simt/ptx/module.h"

namespace agon::simt::ptx {

class Lexer;

/// Collects the source lines of one function body from its .loc directives.
class LineTable {
 public:
  LineTable(const ModuleText& module, std::vector<SourceLine>& lines);

  /// Reads a directive behind ".loc"; returns the line's index.
  uint32_t read(Lexer& lexer);

 private:
  using Place = std::tuple<uint32_t, uint32_t, uint32_t>;  // file, line, column
  static Place place(Lexer& lexer);
  uint32_t intern(const Place& place, const std::string& function, uint32_t inlined_at);

  const ModuleText& module_;
  std::vector<SourceLine>& lines_;
  std::map<std::tuple<Place, std::string, uint32_t>, uint32_t> index_;
  std::map<Place, uint32_t> latest_;  // the last line read at a place, which "inlined_at" means
};

}  // namespace agon::simt::ptx
