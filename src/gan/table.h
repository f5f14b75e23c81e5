#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"

namespace agon::gan {

// Reads entries of a config table whose types the schema has checked; `table` may be nullptr (all defaults).

double number_in(const ConfigNode* table, std::string_view key, double fallback);
/// Throws Error(usage) below `least`.
int64_t integer_in(const ConfigNode* table, std::string_view key, int64_t fallback, int64_t least);
bool flag_in(const ConfigNode* table, std::string_view key, bool fallback);
std::string string_in(const ConfigNode* table, std::string_view key, std::string_view fallback);
/// The index of table[key] in `names`, 0 where it is absent. Throws Error(usage) with the nearest name.
size_t choice_in(const ConfigNode* table, std::string_view key, const std::vector<std::string>& names);
/// The place of table[key], or of the table.
std::string where_in(const ConfigNode* table, std::string_view key);

}  // namespace agon::gan
