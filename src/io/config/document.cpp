#include "io/config/document.h"

#include <algorithm>
#include <charconv>
#include <toml++/toml.h>

#include "agon/error.h"

namespace agon::document {
namespace {

ConfigNode convert(const toml::node& node, const std::string& place, bool with_line) {
  ConfigNode result;
  result.where = with_line ? fmt::format("{}:{}", place, node.source().begin.line) : place;
  if (const auto* table = node.as_table()) {
    struct Item {
      toml::source_position position;
      std::string key;
      const toml::node* node;
    };
    std::vector<Item> items;
    for (const auto& [key, child] : *table)
      items.push_back({key.source().begin, std::string(key.str()), &child});
    std::ranges::stable_sort(items, [](const Item& a, const Item& b) { return a.position < b.position; });
    ConfigNode::Table entries;
    for (const Item& item : items) {
      entries.emplace_back(item.key, convert(*item.node, place, with_line));
      if (with_line) entries.back().second.where = fmt::format("{}:{}", place, item.position.line);
    }
    result.value = std::move(entries);
  } else if (const auto* array = node.as_array()) {
    ConfigNode::Array elements;
    for (const auto& child : *array) elements.push_back(convert(child, place, with_line));
    result.value = std::move(elements);
  } else if (const auto* flag = node.as_boolean()) {
    result.value = flag->get();
  } else if (const auto* integer = node.as_integer()) {
    result.value = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    result.value = number->get();
  } else if (const auto* text = node.as_string()) {
    result.value = text->get();
  } else {
    fail(ErrorKind::usage, "{}: dates and times are of no use here", result.where);
  }
  return result;
}

struct Segment {
  std::string_view key;
  int64_t index = -1;  ///< of an array element behind the key
};

std::vector<Segment> split(std::string_view path) {
  std::vector<Segment> segments;
  const auto add = [&](std::string_view part) {
    Segment segment{part, -1};
    if (const size_t open = part.find('['); open != std::string_view::npos && part.ends_with("]")) {
      segment.key = part.substr(0, open);
      const std::string_view digits = part.substr(open + 1, part.size() - open - 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), segment.index);
      check(error == std::errc() && end == digits.data() + digits.size() && segment.index >= 0,
            ErrorKind::usage, "key '{}': '{}' is no index", path, digits);
    }
    check(!segment.key.empty(), ErrorKind::usage, "key '{}' has an empty part", path);
    segments.push_back(segment);
  };
  size_t begin = 0;
  for (size_t end = path.find('.'); end != std::string_view::npos; end = path.find('.', begin)) {
    add(path.substr(begin, end - begin));
    begin = end + 1;
  }
  add(path.substr(begin));
  return segments;
}

ConfigNode* entry(ConfigNode& node, std::string_view key) {
  return const_cast<ConfigNode*>(std::as_const(node).find(key));
}

}  // namespace

ConfigNode parse(std::string_view toml, std::string_view name) {
  try {
    return convert(toml::parse(toml, name), std::string(name), true);
  } catch (const toml::parse_error& error) {
    fail(ErrorKind::usage, "{}:{}: {}", name, error.source().begin.line, error.description());
  }
}

ConfigNode parse_value(std::string_view text, const std::string& where) {
  try {
    const toml::table table = toml::parse(fmt::format("value = {}", text));
    if (table.size() == 1) return convert(*table.get("value"), where, false);
  } catch (const toml::parse_error& error) {
    const bool structured =
        !text.empty() && std::string_view("[{\"'").find(text.front()) != std::string_view::npos;
    check(!structured, ErrorKind::usage, "{}: {}", where, error.description());
  }
  return {std::string(text), where};
}

void merge(ConfigNode& lower, ConfigNode upper) {
  if (!lower.is_table() || !upper.is_table()) {
    lower = std::move(upper);
    return;
  }
  for (auto& [key, value] : std::get<ConfigNode::Table>(upper.value)) {
    if (ConfigNode* existing = entry(lower, key))
      merge(*existing, std::move(value));
    else
      std::get<ConfigNode::Table>(lower.value).emplace_back(key, std::move(value));
  }
}

const ConfigNode* find(const ConfigNode& root, std::string_view path) {
  const ConfigNode* node = &root;
  for (const Segment& segment : split(path)) {
    node = node->find(segment.key);
    if (!node) return nullptr;
    if (segment.index < 0) continue;
    if (!node->is_array()) return nullptr;
    const auto& elements = std::get<ConfigNode::Array>(node->value);
    if (segment.index >= static_cast<int64_t>(elements.size())) return nullptr;
    node = &elements[static_cast<size_t>(segment.index)];
  }
  return node;
}

void put(ConfigNode& root, std::string_view path, ConfigNode value) {
  ConfigNode* node = &root;
  for (const Segment& segment : split(path)) {
    check(node->is_table(), ErrorKind::usage, "{}: '{}' lies in a value that is no table", value.where, path);
    ConfigNode* next = entry(*node, segment.key);
    if (!next) {
      check(segment.index < 0, ErrorKind::usage, "{}: there is no array '{}'", value.where, segment.key);
      auto& table = std::get<ConfigNode::Table>(node->value);
      table.emplace_back(std::string(segment.key), ConfigNode{ConfigNode::Table{}, value.where});
      next = &table.back().second;
    }
    if (segment.index >= 0) {
      check(next->is_array(), ErrorKind::usage, "{}: '{}' is no array", value.where, segment.key);
      auto& elements = std::get<ConfigNode::Array>(next->value);
      check(segment.index < static_cast<int64_t>(elements.size()), ErrorKind::usage,
            "{}: '{}' has {} elements", value.where, segment.key, elements.size());
      next = &elements[static_cast<size_t>(segment.index)];
    }
    node = next;
  }
  merge(*node, std::move(value));
}

}  // namespace agon::document
