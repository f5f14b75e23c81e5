#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"

namespace agon::schema {

/// What a key's value may be; a key can admit several.
enum Type : uint8_t {
  boolean = 1,
  integer = 2,
  number = 4,  ///< an integer will do
  string = 8,
  expression = 16,   ///< an integer, or a string that Config::evaluate understands
  expressions = 32,  ///< an array of expressions
  strings = 64,      ///< an array of strings
};

/// One known key. A path segment "*" stands for any name, "[]" for every element of an array.
struct Entry {
  std::string_view key;
  uint8_t type;
  std::string_view fallback;  ///< TOML text of the default; empty where there is none
  std::string_view meaning;
  int64_t least = INT64_MIN;  ///< of an integer
};

/// All known keys, in the order they are written and listed.
const std::vector<Entry>& entries();

/// The entry of a key without wildcards, or nullptr.
const Entry* find(std::string_view key);

/// "integer", "string | array of expressions", ...
std::string describe(uint8_t type);

/// True if `value` is of one of the types.
bool admits(uint8_t type, const ConfigNode& value);

/// Throws Error(usage), with the place, for an unknown key (naming the nearest) or a value of a wrong type.
void validate(const ConfigNode& root);

}  // namespace agon::schema
