#include "nn/call.h"

#include <charconv>

#include "agon/error.h"

namespace agon::nn {
namespace {

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Call parse_call(std::string_view text, std::string_view where) {
  text = trim(text);
  const size_t open = text.find('(');
  Call call{std::string(trim(text.substr(0, open))), {}};
  if (open == std::string_view::npos) return call;
  check(text.ends_with(")"), ErrorKind::usage, "{}: \"{}\": a ')' is missing", where, text);
  std::string_view rest = text.substr(open + 1, text.size() - open - 2);
  while (!trim(rest).empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view word = trim(rest.substr(0, comma));
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    check(error == std::errc() && end == word.data() + word.size(), ErrorKind::usage,
          "{}: \"{}\": '{}' is no number", where, text, word);
    call.arguments.push_back(value);
    rest = comma < rest.size() ? rest.substr(comma + 1) : std::string_view();
  }
  return call;
}

}  // namespace agon::nn
