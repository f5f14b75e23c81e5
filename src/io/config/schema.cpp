#include "io/config/schema.h"

#include <algorithm>
#include <fmt/ranges.h>

#include "agon/error.h"

#include "core/nearest.h"

namespace agon::schema {
namespace {

/// "networks.*.layers[].type" -> networks, *, layers, [], type.
std::vector<std::string> split(std::string_view pattern) {
  std::vector<std::string> segments;
  size_t begin = 0;
  while (begin <= pattern.size()) {
    const size_t end = std::min(pattern.find('.', begin), pattern.size());
    std::string_view segment = pattern.substr(begin, end - begin);
    const bool array = segment.ends_with("[]");
    segments.emplace_back(array ? segment.substr(0, segment.size() - 2) : segment);
    if (array) segments.emplace_back("[]");
    begin = end + 1;
  }
  return segments;
}

struct Pattern {
  std::vector<std::string> segments;
  const Entry* entry;
};

const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> all = [] {
    std::vector<Pattern> result;
    for (const Entry& entry : entries()) result.push_back({split(entry.key), &entry});
    return result;
  }();
  return all;
}

std::string kind(const ConfigNode& node) {
  static constexpr std::string_view names[] = {"boolean", "integer", "number", "string", "array", "table"};
  return std::string(names[node.value.index()]);
}

bool is_expression(const ConfigNode& node) {
  return std::holds_alternative<int64_t>(node.value) || std::holds_alternative<std::string>(node.value);
}

class Validator {
 public:
  void visit(const ConfigNode& node, const std::string& path, size_t depth,
             const std::vector<const Pattern*>& matching) const {
    const Pattern& first = *matching.front();
    if (first.segments.size() == depth) return leaf(node, path, *first.entry);
    if (first.segments[depth] == "[]") {
      check(node.is_array(), ErrorKind::usage, "{}: '{}' must be an array of tables, not a {}", node.where,
            path, kind(node));
      const auto& elements = std::get<ConfigNode::Array>(node.value);
      for (size_t i = 0; i < elements.size(); ++i)
        visit(elements[i], fmt::format("{}[{}]", path, i), depth + 1, matching);
      return;
    }
    check(node.is_table(), ErrorKind::usage, "{}: '{}' must be a table, not a {}", node.where, path,
          kind(node));
    for (const auto& [key, child] : std::get<ConfigNode::Table>(node.value)) {
      std::vector<const Pattern*> next;
      std::vector<std::string> known;
      for (const Pattern* pattern : matching) {
        const std::string& segment = pattern->segments[depth];
        if (segment == key || segment == "*") next.push_back(pattern);
        if (std::ranges::find(known, segment) == known.end()) known.push_back(segment);
      }
      const std::string full = path.empty() ? key : path + "." + key;
      if (next.empty())
        fail(ErrorKind::usage, "{}: unknown key '{}'{}", child.where, full, suggestion(key, known));
      visit(child, full, depth + 1, next);
    }
  }

 private:
  static void leaf(const ConfigNode& node, const std::string& path, const Entry& entry) {
    check(admits(entry.type, node), ErrorKind::usage, "{}: '{}' must be {}, not {}; it is the {}", node.where,
          path, describe(entry.type), kind(node), entry.meaning);
    if (const auto* value = std::get_if<int64_t>(&node.value))
      check(*value >= entry.least, ErrorKind::usage, "{}: '{}' must be at least {}, not {}", node.where, path,
            entry.least, *value);
  }
};

}  // namespace

const Entry* find(std::string_view key) {
  const auto& all = entries();
  const auto it = std::ranges::find(all, key, &Entry::key);
  return it == all.end() ? nullptr : &*it;
}

std::string describe(uint8_t type) {
  static constexpr std::pair<Type, std::string_view> names[] = {
      {boolean, "boolean"},         {integer, "integer"},       {number, "number"},
      {string, "string"},           {expression, "expression"}, {expressions, "array of expressions"},
      {strings, "array of strings"}};
  std::vector<std::string_view> parts;
  for (const auto& [flag, name] : names)
    if (type & flag) parts.push_back(name);
  return fmt::format("{}", fmt::join(parts, " | "));
}

bool admits(uint8_t type, const ConfigNode& node) {
  const auto all = [&](auto predicate) {
    return node.is_array() && std::ranges::all_of(std::get<ConfigNode::Array>(node.value), predicate);
  };
  const bool is_integer = std::holds_alternative<int64_t>(node.value);
  const bool is_string = std::holds_alternative<std::string>(node.value);
  return ((type & boolean) && std::holds_alternative<bool>(node.value)) ||
         ((type & (integer | number | expression)) && is_integer) ||
         ((type & number) && std::holds_alternative<double>(node.value)) ||
         ((type & (string | expression)) && is_string) || ((type & expressions) && all(is_expression)) ||
         ((type & strings) &&
          all([](const ConfigNode& n) { return std::holds_alternative<std::string>(n.value); }));
}

void validate(const ConfigNode& root) {
  std::vector<const Pattern*> all;
  for (const Pattern& pattern : patterns()) all.push_back(&pattern);
  Validator().visit(root, "", 0, all);
}

}  // namespace agon::schema
