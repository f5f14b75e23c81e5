#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace agon::simt::ptx {

enum class TokenKind : uint8_t {
  end,
  word,         ///< identifier: name, %r1, $L__BB0_1, _
  dotted,       ///< .name with its ::parts, text without the leading dot
  number,       ///< 12, 0x1F, 0f3F800000, 9.0
  string,       ///< text without the quotes
  punctuation,  ///< one character
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;
  uint32_t line = 0;
  bool is(char c) const { return kind == TokenKind::punctuation && text[0] == c; }
};

/// Tokens of PTX text, one ahead; comments and white space are skipped. Views point into the text.
class Lexer {
 public:
  explicit Lexer(std::string_view text, uint32_t first_line = 1);

  const Token& peek() const { return next_; }
  Token take();
  /// Takes the next token if it is this character, word, or directive (".name").
  bool accept(char c);
  bool accept(std::string_view word_or_directive);
  void expect(char c);
  std::string_view word(const char* what);
  std::string_view dotted(const char* what);
  /// A plain integer, with a minus sign if there is one.
  int64_t integer();
  /// Takes a "{ ... }" whole and returns what is between the braces.
  std::string_view braces();
  /// Throws agon::Error: `message`, what was found and the line of text.
  [[noreturn]] void error(const std::string& message) const;

 private:
  void advance();
  void skip_blank();

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  Token next_;
};

/// The value of an integer token ("12", "0x1F", "017", "0b1", a trailing U allowed).
uint64_t integer_value(std::string_view text);
/// True for 0fXXXXXXXX and 0dXXXXXXXXXXXXXXXX; then their bits are in `bits`.
bool float_bits(std::string_view text, uint64_t& bits, bool& is_double);

}  // namespace agon::simt::ptx
