#include "io/config/expression.h"

#include <cctype>
#include <charconv>

#include "agon/error.h"

namespace agon {
namespace {

/// Recursive descent: sum = product (('+' | '-') product)*, product = atom (('*' | '/') atom)*.
class Parser {
 public:
  Parser(std::string_view text, const std::function<int64_t(std::string_view)>& lookup,
         std::string_view where)
      : text_(text), lookup_(lookup), where_(where) {}

  int64_t run() {
    const int64_t value = sum();
    if (peek() != 0) refuse("unexpected characters");
    return value;
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    fail(ErrorKind::usage, "{}: expression \"{}\": {}", where_, text_, why);
  }
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  int64_t combine(char op, int64_t a, int64_t b) const {
    int64_t result = 0;
    bool overflow = false;
    if (op == '+') overflow = __builtin_add_overflow(a, b, &result);
    if (op == '-') overflow = __builtin_sub_overflow(a, b, &result);
    if (op == '*') overflow = __builtin_mul_overflow(a, b, &result);
    if (op == '/') {
      if (b == 0 || b == -1 || a % b != 0) refuse("the division does not come out even");
      result = a / b;
    }
    if (overflow) refuse("the numbers are too large");
    return result;
  }
  int64_t sum() {
    int64_t value = product();
    for (;;) {
      if (take('+'))
        value = combine('+', value, product());
      else if (take('-'))
        value = combine('-', value, product());
      else
        return value;
    }
  }
  int64_t product() {
    int64_t value = atom();
    for (;;) {
      if (take('*'))
        value = combine('*', value, atom());
      else if (take('/'))
        value = combine('/', value, atom());
      else
        return value;
    }
  }
  int64_t atom() {
    if (take('(')) {
      if (++depth_ > 64) refuse("too deeply nested");
      const int64_t value = sum();
      if (!take(')')) refuse("a ')' is missing");
      --depth_;
      return value;
    }
    peek();
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word.empty()) refuse("a number or name is missing");
    if (!std::isdigit(static_cast<unsigned char>(word[0]))) return lookup_(word);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size())
      refuse(fmt::format("'{}' is no number", word));
    return value;
  }

  std::string_view text_;
  const std::function<int64_t(std::string_view)>& lookup_;
  std::string_view where_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

int64_t evaluate_expression(std::string_view text, const std::function<int64_t(std::string_view)>& lookup,
                            std::string_view where) {
  return Parser(text, lookup, where).run();
}

}  // namespace agon
