#include "cuda/simt/ptx/lexer.h"

#include <cctype>
#include <charconv>

#include "agon/error.h"

namespace agon::simt::ptx {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Lexer::Lexer(std::string_view text, uint32_t first_line) : text_(text), line_(first_line) {
  advance();
}

void Lexer::skip_blank() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') ++line_;
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++at_;
    } else if (text_.compare(at_, 2, "//") == 0) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.compare(at_, 2, "/*") == 0) {
      const size_t end = std::min(text_.find("*/", at_ + 2), text_.size() - 2) + 2;
      for (; at_ < end; ++at_) line_ += text_[at_] == '\n';
    } else {
      return;
    }
  }
}

void Lexer::advance() {
  skip_blank();
  next_ = Token{TokenKind::end, {}, line_};
  if (at_ >= text_.size()) return;
  const size_t begin = at_;
  const auto at = [&](size_t i) { return i < text_.size() ? text_[i] : '\0'; };
  const char c = text_[at_];
  size_t skip = 0;  // characters of the token that are no part of its text
  if (is_digit(c)) {
    next_.kind = TokenKind::number;
    while (is_word(at(at_)) || (at(at_) == '.' && is_digit(at(at_ + 1)))) ++at_;
  } else if (is_word(c) || (c == '%' && is_word(at(at_ + 1)))) {
    next_.kind = TokenKind::word;
    ++at_;
    while (is_word(at(at_))) ++at_;
  } else if (c == '.' && is_word(at(at_ + 1))) {
    next_.kind = TokenKind::dotted;
    skip = 1;
    ++at_;
    while (is_word(at(at_)) || at(at_) == ':') {
      if (at(at_) == ':' && at(at_ + 1) != ':') break;
      at_ += at(at_) == ':' ? 2 : 1;
    }
  } else if (c == '"') {
    next_.kind = TokenKind::string;
    skip = 1;
    const size_t end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) error("a string without an end");
    next_.text = text_.substr(begin + 1, end - begin - 1);
    at_ = end + 1;
    return;
  } else {
    next_.kind = TokenKind::punctuation;
    ++at_;
  }
  next_.text = text_.substr(begin + skip, at_ - begin - skip);
}

Token Lexer::take() {
  const Token token = next_;
  advance();
  return token;
}

bool Lexer::accept(char c) {
  if (!next_.is(c)) return false;
  advance();
  return true;
}

bool Lexer::accept(std::string_view what) {
  const bool directive = what.starts_with('.');
  if (next_.kind != (directive ? TokenKind::dotted : TokenKind::word)) return false;
  if (next_.text != (directive ? what.substr(1) : what)) return false;
  advance();
  return true;
}

void Lexer::expect(char c) {
  if (!accept(c)) error(fmt::format("expected '{}'", c));
}

std::string_view Lexer::word(const char* what) {
  if (next_.kind != TokenKind::word) error(fmt::format("expected {}", what));
  return take().text;
}

std::string_view Lexer::dotted(const char* what) {
  if (next_.kind != TokenKind::dotted) error(fmt::format("expected {}", what));
  return take().text;
}

int64_t Lexer::integer() {
  const bool minus = accept('-');
  if (next_.kind != TokenKind::number) error("expected an integer");
  const auto value = static_cast<int64_t>(integer_value(take().text));
  return minus ? -value : value;
}

std::string_view Lexer::braces() {
  if (!next_.is('{')) error("expected '{'");
  // By characters, not tokens: most bodies of a module are never looked at.
  const size_t begin = at_;
  for (int depth = 1; depth > 0; ++at_) {
    if (at_ >= text_.size()) error("a '{' without its '}'");
    switch (text_[at_]) {
      case '{':
        ++depth;
        break;
      case '}':
        --depth;
        break;
      case '\n':
        ++line_;
        break;
      case '"':
        at_ = std::min(text_.find('"', at_ + 1), text_.size());
        break;
      case '/':
        if (text_.compare(at_, 2, "//") == 0) at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
        if (text_.compare(at_, 2, "/*") == 0) {
          const size_t end = std::min(text_.find("*/", at_ + 2), text_.size() - 1);
          for (; at_ < end; ++at_) line_ += text_[at_] == '\n';
        }
        break;
      default:
        break;
    }
  }
  const std::string_view inside = text_.substr(begin, at_ - 1 - begin);
  advance();
  return inside;
}

void Lexer::error(const std::string& message) const {
  const std::string found =
      next_.kind == TokenKind::end ? "the end of the text" : fmt::format("\"{}\"", next_.text);
  fail(ErrorKind::unsupported, "PTX line {}: {}, found {}", next_.line, message, found);
}

uint64_t integer_value(std::string_view text) {
  if (text.ends_with('U') || text.ends_with('u')) text.remove_suffix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.starts_with("0b") || text.starts_with("0B")) {
    base = 2;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  check(error == std::errc{} && end == text.data() + text.size(), ErrorKind::unsupported,
        "PTX: \"{}\" is no integer", text);
  return value;
}

bool float_bits(std::string_view text, uint64_t& bits, bool& is_double) {
  if (text.size() < 2 || text[0] != '0') return false;
  const char kind = static_cast<char>(std::tolower(static_cast<unsigned char>(text[1])));
  is_double = kind == 'd' && text.size() == 18;
  if (!is_double && !(kind == 'f' && text.size() == 10)) return false;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), bits, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace agon::simt::ptx
