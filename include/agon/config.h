#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace agon {

/// One value of a config document with the place it came from. Tables keep the order of the document.
struct ConfigNode {
  using Array = std::vector<ConfigNode>;
  using Table = std::vector<std::pair<std::string, ConfigNode>>;

  std::variant<bool, int64_t, double, std::string, Array, Table> value;
  std::string where;  ///< "dcgan.toml:12", "--set train.steps=5" or "" for a default

  bool is_table() const { return std::holds_alternative<Table>(value); }
  bool is_array() const { return std::holds_alternative<Array>(value); }
  /// The entry of a table, nullptr where there is none or this is no table.
  const ConfigNode* find(std::string_view key) const;
};

/// What `agon presets --keys` prints of one key.
struct KeyInfo {
  std::string key;   ///< "train.batch_size"; "*" stands for a name, "[]" for the elements of an array
  std::string type;  ///< "integer", "number", "boolean", "string", "expression", "table", ... ("a | b")
  std::string default_value;  ///< TOML text; empty where there is none
  std::string meaning;
};

struct PresetInfo {
  std::string name, about;
};

/// A resolved run description: a TOML document checked against one table of known keys. A file may start from
/// a preset with `preset = "dcgan-mnist"` and override what differs: tables merge, arrays and values replace.
///
/// Keys are dotted paths; array elements are "moves[0].repeat". Every problem is Error(usage) that names file
/// and line and, for an unknown name, the nearest known one.
class Config {
 public:
  /// One of the systems compiled in. Throws Error(usage) for an unknown name.
  static Config preset(std::string_view name);
  /// Reads a TOML file. Throws Error(io) if it cannot be read, Error(usage) for its content.
  static Config file(const std::filesystem::path& path);
  /// Parses TOML text; `name` stands in for the file in messages.
  static Config text(std::string_view toml, std::string_view name = "config");
  /// The command line's PRESET|CONFIG.toml: a path if it ends in .toml or has a separator, else a preset.
  static Config named(std::string_view preset_or_path);
  /// The presets, by name.
  static std::vector<PresetInfo> presets();
  /// Every known key, in the order they are written.
  static std::vector<KeyInfo> keys();

  /// Applies one `key=value`: TOML value syntax, where a bare word counts as a string (data.spec=mnist:DIR).
  void set(std::string_view assignment);
  /// Sets a string as it is; messages name its source as `where` ("--device gpu").
  void set_string(std::string_view key, std::string value, std::string where);

  /// True if the document (not a default) holds the key.
  bool has(std::string_view key) const;
  // Typed getters; a key that is absent gives its default. Error(usage) for a key without either and for a
  // value of another type (an integer is a number too).
  bool flag(std::string_view key) const;
  int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  std::string string(std::string_view key) const;

  /// The node at `key`, or nullptr.
  const ConfigNode* find(std::string_view key) const;
  /// An integer, or a string that is an expression over integers, `vars` and data.height, data.width,
  /// data.channels and data.classes by their last names: "8*ngf", "(height+3)/4".
  int64_t evaluate(const ConfigNode& node) const;

  /// Where `key` was given, for messages: "dcgan.toml:12", or the key itself for a default.
  std::string where(std::string_view key) const;

  /// Everything resolved, defaults included. text(to_toml()).to_toml() == to_toml().
  std::string to_toml() const;

 private:
  ConfigNode root_{ConfigNode::Table{}, {}};
};

}  // namespace agon
