#include <algorithm>
#include <cmath>

#include "agon/error.h"

#include "io/config/document.h"

namespace agon::document {
namespace {

std::string quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (result += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result + '"';
}

std::string key_text(std::string_view key) {
  const bool bare = !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : quote(key);
}

/// The shortest decimal that reads back as the same double, always with the look of a float.
std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string inline_text(const ConfigNode& node) {
  struct Visitor {
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return number_text(value); }
    std::string operator()(const std::string& value) const { return quote(value); }
    std::string operator()(const ConfigNode::Array& elements) const {
      std::string text = "[";
      for (const ConfigNode& element : elements) text += (text.size() > 1 ? ", " : "") + inline_text(element);
      return text + "]";
    }
    std::string operator()(const ConfigNode::Table& table) const {
      std::string text = "{";
      for (const auto& [key, value] : table)
        text += (text.size() > 1 ? ", " : " ") + key_text(key) + " = " + inline_text(value);
      return text + " }";
    }
  };
  return std::visit(Visitor{}, node.value);
}

bool is_array_of_tables(const ConfigNode& node) {
  if (!node.is_array()) return false;
  const auto& elements = std::get<ConfigNode::Array>(node.value);
  return !elements.empty() && std::ranges::all_of(elements, &ConfigNode::is_table);
}

std::string value_text(const ConfigNode& node) {
  if (!is_array_of_tables(node)) return inline_text(node);
  std::string text = "[\n";
  for (const ConfigNode& element : std::get<ConfigNode::Array>(node.value))
    text += "  " + inline_text(element) + ",\n";
  return text + "]";
}

void write_table(std::string& text, const ConfigNode::Table& table, const std::string& path) {
  for (const auto& [key, value] : table)
    if (!value.is_table() && !(path.empty() && is_array_of_tables(value)))
      text += key_text(key) + " = " + value_text(value) + "\n";
  for (const auto& [key, value] : table) {
    const std::string full = path.empty() ? key_text(key) : path + "." + key_text(key);
    if (value.is_table()) {
      const auto& child = std::get<ConfigNode::Table>(value.value);
      const bool only_tables = !child.empty() && std::ranges::all_of(child, [](const auto& item) {
        return item.second.is_table();
      });
      if (!only_tables) text += "\n[" + full + "]\n";
      write_table(text, child, full);
    } else if (path.empty() && is_array_of_tables(value)) {
      for (const ConfigNode& element : std::get<ConfigNode::Array>(value.value)) {
        text += "\n[[" + full + "]]\n";
        for (const auto& [name, item] : std::get<ConfigNode::Table>(element.value))
          text += key_text(name) + " = " + value_text(item) + "\n";
      }
    }
  }
}

}  // namespace

std::string write(const ConfigNode& root) {
  std::string text;
  write_table(text, std::get<ConfigNode::Table>(root.value), "");
  return text;
}

}  // namespace agon::document
