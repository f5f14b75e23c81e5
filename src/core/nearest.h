#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace agon {

/// The candidate nearest to `name` by edit distance (insert, delete, substitute, swap of neighbours, each 1;
/// letter case is ignored), or "" where none is within a third of the name's length, at least 2. Ties go to
/// the first.
std::string nearest(std::string_view name, std::span<const std::string> candidates);

/// " (did you mean 'x'?)" for the nearest candidate, else " (known: a, b, c)": the tail of an error message.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

}  // namespace agon
