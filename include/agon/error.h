#pragma once
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace agon {

/// What kind of thing went wrong. The application maps `usage` to exit code 2 and all others to 1.
enum class ErrorKind {
  usage,        ///< a command line, config key or API argument is wrong: the caller can mend it
  data,         ///< an input file is not what it should be (truncated, wrong format, wrong model)
  io,           ///< the operating system refused (no such file, disk full, not writable)
  numeric,      ///< NaN or Inf where a number was expected
  unsupported,  ///< a valid request that this build, backend or machine cannot serve
  internal,     ///< a bug in Agon
};

/// The only exception that Agon throws on purpose. `what()` is one line: what, where, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Throws Error(kind) with a formatted message.
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error(kind) unless `condition` holds. Arguments are formatted only on failure.
template <class... Args>
void check(bool condition, ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(kind, format, std::forward<Args>(args)...);
}

}  // namespace agon
