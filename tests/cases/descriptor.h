#pragma once
#include <charconv>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "agon/error.h"
#include "agon/types.h"

namespace agon::cases {

/// One line that names an op and everything its behaviour depends on, e.g.
///   conv mb2 ih7 iw5 ic3 oc5 kh3 kw3 sh2 sw2 pt1 pl0 pb0 pr1 g1 d1
///   add a:2x3x4 b:3x1
///   reduce_sum s:2x3x4 axes:0,2
/// A word is a key with its number behind it (oneDNN's benchdnn way) or key:value. Shapes are written 2x3x4,
/// the scalar's shape is "-"; lists have commas. Keys that are missing take the default.
class Descriptor {
 public:
  explicit Descriptor(const std::string& line) : line_(line) {
    std::istringstream words(line);
    check(static_cast<bool>(words >> kind_), ErrorKind::usage, "descriptor: empty");
    for (std::string word; words >> word;) {
      const size_t colon = word.find(':');
      const size_t split = colon == std::string::npos ? word.find_first_of("0123456789.-") : colon;
      check(split != std::string::npos && split > 0, ErrorKind::usage,
            "descriptor: '{}' has no value in '{}'", word, line);
      values_[word.substr(0, split)] = word.substr(colon == std::string::npos ? split : split + 1);
    }
  }

  const std::string& line() const { return line_; }
  const std::string& kind() const { return kind_; }
  bool has(const std::string& key) const { return values_.contains(key); }
  std::string text(const std::string& key, std::string fallback = "") const {
    const auto it = values_.find(key);
    return it == values_.end() ? fallback : it->second;
  }
  double real(const std::string& key, double fallback) const {
    return has(key) ? std::stod(text(key)) : fallback;
  }
  int64_t integer(const std::string& key, int64_t fallback) const {
    return has(key) ? std::stoll(text(key)) : fallback;
  }
  std::vector<int64_t> list(const std::string& key, char separator = ',') const {
    std::vector<int64_t> result;
    std::istringstream parts(text(key));
    for (std::string part; std::getline(parts, part, separator);) result.push_back(std::stoll(part));
    return result;
  }
  std::vector<int> axes(const std::string& key) const {
    const auto numbers = list(key);
    return {numbers.begin(), numbers.end()};
  }
  Shape shape(const std::string& key) const {
    check(has(key), ErrorKind::usage, "descriptor: '{}' lacks the shape '{}'", line_, key);
    return text(key) == "-" ? Shape{} : Shape(list(key, 'x'));
  }

 private:
  std::string line_, kind_;
  std::map<std::string, std::string> values_;
};

}  // namespace agon::cases
