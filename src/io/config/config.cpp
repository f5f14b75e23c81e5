#include "agon/config.h"

#include <algorithm>

#include "agon/error.h"

#include "core/nearest.h"
#include "io/config/document.h"
#include "io/config/expression.h"
#include "io/config/schema.h"
#include "io/file.h"
#include "presets/presets.h"

namespace agon {
namespace {

ConfigNode preset_document(std::string_view name, std::string_view where) {
  std::vector<std::string> known;
  for (const auto& preset : presets::embedded()) {
    if (preset.name == name) return document::parse(preset.text, fmt::format("preset {}", name));
    known.emplace_back(preset.name);
  }
  fail(ErrorKind::usage, "{}unknown preset '{}'{}", where.empty() ? "" : fmt::format("{}: ", where), name,
       suggestion(name, known));
}

/// Validates a document and lays it over the preset it names.
ConfigNode resolve(ConfigNode upper) {
  auto& table = std::get<ConfigNode::Table>(upper.value);
  const auto base = std::ranges::find(table, "preset", &ConfigNode::Table::value_type::first);
  if (base == table.end()) {
    schema::validate(upper);
    return upper;
  }
  const auto* name = std::get_if<std::string>(&base->second.value);
  check(name != nullptr, ErrorKind::usage, "{}: 'preset' must be the name of a preset", base->second.where);
  ConfigNode lower = preset_document(*name, base->second.where);
  table.erase(base);
  schema::validate(upper);
  document::merge(lower, std::move(upper));
  return lower;
}

ConfigNode fallback(const schema::Entry& entry) {
  return document::parse_value(entry.fallback, "");
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  const auto* table = std::get_if<Table>(&value);
  if (!table) return nullptr;
  const auto it = std::ranges::find(*table, key, &Table::value_type::first);
  return it == table->end() ? nullptr : &it->second;
}

Config Config::preset(std::string_view name) {
  Config config;
  config.root_ = preset_document(name, "");
  schema::validate(config.root_);
  if (!config.has("name")) document::put(config.root_, "name", {std::string(name), ""});
  return config;
}

Config Config::text(std::string_view toml, std::string_view name) {
  Config config;
  config.root_ = resolve(document::parse(toml, name));
  return config;
}

Config Config::file(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

Config Config::named(std::string_view name) {
  const bool is_path = name.ends_with(".toml") || name.find('/') != std::string_view::npos;
  return is_path ? file(std::filesystem::path(name)) : preset(name);
}

std::vector<PresetInfo> Config::presets() {
  std::vector<PresetInfo> result;
  for (const auto& preset : presets::embedded())
    result.push_back({std::string(preset.name), Config::preset(preset.name).string("about")});
  return result;
}

std::vector<KeyInfo> Config::keys() {
  std::vector<KeyInfo> result;
  for (const schema::Entry& entry : schema::entries())
    result.push_back({std::string(entry.key), schema::describe(entry.type), std::string(entry.fallback),
                      std::string(entry.meaning)});
  return result;
}

void Config::set(std::string_view assignment) {
  const size_t sign = assignment.find('=');
  check(sign != std::string_view::npos && sign > 0, ErrorKind::usage, "--set {}: write it as key=value",
        assignment);
  const std::string_view key = assignment.substr(0, sign);
  ConfigNode changed = root_;
  document::put(changed, key,
                document::parse_value(assignment.substr(sign + 1), fmt::format("--set {}", assignment)));
  schema::validate(changed);
  root_ = std::move(changed);
}

void Config::set_string(std::string_view key, std::string value, std::string where) {
  ConfigNode changed = root_;
  document::put(changed, key, {std::move(value), std::move(where)});
  schema::validate(changed);
  root_ = std::move(changed);
}

const ConfigNode* Config::find(std::string_view key) const {
  return document::find(root_, key);
}

bool Config::has(std::string_view key) const {
  return find(key) != nullptr;
}

std::string Config::where(std::string_view key) const {
  const ConfigNode* node = find(key);
  return node && !node->where.empty() ? node->where : std::string(key);
}

namespace {

ConfigNode value_or_default(const Config& config, std::string_view key) {
  if (const ConfigNode* node = config.find(key)) return *node;
  const schema::Entry* entry = schema::find(key);
  check(entry && !entry->fallback.empty(), ErrorKind::usage, "config: '{}' is not set and has no default",
        key);
  return fallback(*entry);
}

template <class T>
T typed(const Config& config, std::string_view key, std::string_view type) {
  const ConfigNode node = value_or_default(config, key);
  const T* value = std::get_if<T>(&node.value);
  check(value != nullptr, ErrorKind::usage, "{}: '{}' is no {}", config.where(key), key, type);
  return *value;
}

}  // namespace

bool Config::flag(std::string_view key) const {
  return typed<bool>(*this, key, "boolean");
}
int64_t Config::integer(std::string_view key) const {
  return typed<int64_t>(*this, key, "integer");
}
std::string Config::string(std::string_view key) const {
  return typed<std::string>(*this, key, "string");
}
double Config::number(std::string_view key) const {
  const ConfigNode node = value_or_default(*this, key);
  if (const auto* integer = std::get_if<int64_t>(&node.value)) return static_cast<double>(*integer);
  return typed<double>(*this, key, "number");
}

int64_t Config::evaluate(const ConfigNode& node) const {
  if (const auto* integer = std::get_if<int64_t>(&node.value)) return *integer;
  const auto* text = std::get_if<std::string>(&node.value);
  check(text != nullptr, ErrorKind::usage, "{}: an integer or an expression is needed", node.where);
  static const std::vector<std::string> extents = {"height", "width", "channels", "classes"};
  const auto lookup = [&](std::string_view name) {
    const std::string variable = fmt::format("vars.{}", name);
    if (has(variable)) return integer(variable);
    if (std::ranges::find(extents, name) != extents.end()) return integer(fmt::format("data.{}", name));
    std::vector<std::string> known = extents;
    if (const ConfigNode* vars = find("vars"))
      for (const auto& [key, _] : std::get<ConfigNode::Table>(vars->value)) known.push_back(key);
    fail(ErrorKind::usage, "{}: expression \"{}\": unknown name '{}'{}", node.where, *text, name,
         suggestion(name, known));
  };
  return evaluate_expression(*text, lookup, node.where);
}

std::string Config::to_toml() const {
  ConfigNode resolved{ConfigNode::Table{}, ""};
  for (const schema::Entry& entry : schema::entries())
    if (!entry.fallback.empty()) document::put(resolved, entry.key, fallback(entry));
  document::merge(resolved, root_);
  return document::write(resolved);
}

}  // namespace agon
