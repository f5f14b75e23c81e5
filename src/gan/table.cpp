#include "gan/table.h"

#include <algorithm>

#include "agon/error.h"

#include "core/nearest.h"

namespace agon::gan {
namespace {

const ConfigNode* entry(const ConfigNode* table, std::string_view key) {
  return table ? table->find(key) : nullptr;
}

}  // namespace

double number_in(const ConfigNode* table, std::string_view key, double fallback) {
  const ConfigNode* node = entry(table, key);
  if (!node) return fallback;
  const auto* integer = std::get_if<int64_t>(&node->value);
  return integer ? static_cast<double>(*integer) : std::get<double>(node->value);
}

int64_t integer_in(const ConfigNode* table, std::string_view key, int64_t fallback, int64_t least) {
  const ConfigNode* node = entry(table, key);
  if (!node) return fallback;
  const int64_t value = std::get<int64_t>(node->value);
  check(value >= least, ErrorKind::usage, "{}: '{}' must be at least {}, not {}", node->where, key, least,
        value);
  return value;
}

bool flag_in(const ConfigNode* table, std::string_view key, bool fallback) {
  const ConfigNode* node = entry(table, key);
  return node ? std::get<bool>(node->value) : fallback;
}

std::string string_in(const ConfigNode* table, std::string_view key, std::string_view fallback) {
  const ConfigNode* node = entry(table, key);
  return node ? std::get<std::string>(node->value) : std::string(fallback);
}

size_t choice_in(const ConfigNode* table, std::string_view key, const std::vector<std::string>& names) {
  const std::string name = string_in(table, key, names.front());
  const auto it = std::ranges::find(names, name);
  if (it == names.end())
    fail(ErrorKind::usage, "{}: unknown {} '{}'{}", where_in(table, key), key, name, suggestion(name, names));
  return static_cast<size_t>(it - names.begin());
}

std::string where_in(const ConfigNode* table, std::string_view key) {
  const ConfigNode* node = entry(table, key);
  if (node) return node->where;
  return table ? table->where : std::string(key);
}

}  // namespace agon::gan
