#pragma once
#include <string>
#include <string_view>

#include "agon/config.h"

namespace agon::document {

/// Parses TOML text; every node's `where` is "<name>:<line>". Throws Error(usage) with the line of a syntax
/// error.
ConfigNode parse(std::string_view toml, std::string_view name);

/// One TOML value, or the text itself as a string where it is a bare word. `where` is put into every node.
ConfigNode parse_value(std::string_view text, const std::string& where);

/// Lays `upper` over `lower`: tables merge by key, everything else replaces.
void merge(ConfigNode& lower, ConfigNode upper);

/// The node at a dotted path ("moves[0].repeat"), or nullptr.
const ConfigNode* find(const ConfigNode& root, std::string_view path);

/// Puts `value` at a dotted path, making the tables on the way. Throws Error(usage) for a path through a
/// value that is no table or an index beyond an array's end.
void put(ConfigNode& root, std::string_view path, ConfigNode value);

/// TOML text: values first, then tables by header; arrays of tables at the top by [[name]], deeper ones
/// inline, one element a line.
std::string write(const ConfigNode& root);

}  // namespace agon::document
