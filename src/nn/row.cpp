#include "nn/row.h"

#include <algorithm>

#include "agon/error.h"

#include "core/nearest.h"

namespace agon::nn {

std::string Row::string(std::string_view key, std::string_view fallback) const {
  const ConfigNode* node = node_.find(key);
  return node ? std::get<std::string>(node->value) : std::string(fallback);
}

bool Row::flag(std::string_view key, bool fallback) const {
  const ConfigNode* node = node_.find(key);
  return node ? std::get<bool>(node->value) : fallback;
}

double Row::number(std::string_view key, double fallback) const {
  const ConfigNode* node = node_.find(key);
  if (!node) return fallback;
  const auto* integer = std::get_if<int64_t>(&node->value);
  return integer ? static_cast<double>(*integer) : std::get<double>(node->value);
}

int64_t Row::integer(std::string_view key, int64_t fallback, int64_t least) const {
  const ConfigNode* node = node_.find(key);
  check(node || fallback >= 0, ErrorKind::usage, "{}: this layer needs '{}'", where(), key);
  const int64_t value = node ? config_.evaluate(*node) : fallback;
  check(value >= least && value < (int64_t{1} << 31), ErrorKind::usage,
        "{}: '{}' must be at least {}, not {}", where(key), key, least, value);
  return value;
}

std::vector<int64_t> Row::integers(std::string_view key) const {
  const ConfigNode* node = node_.find(key);
  if (!node) return {};
  if (!node->is_array()) return {config_.evaluate(*node)};
  std::vector<int64_t> values;
  for (const ConfigNode& element : std::get<ConfigNode::Array>(node->value))
    values.push_back(config_.evaluate(element));
  return values;
}

Window Row::window(bool stride_is_kernel) const {
  Window window;
  const auto pair = [&](std::string_view key, std::array<int64_t, 3>& target, int64_t least) {
    const auto values = integers(key);
    if (values.empty()) return;
    check(
        values.size() <= 2 && std::ranges::all_of(values, [&](int64_t v) { return v >= least && v < 65536; }),
        ErrorKind::usage, "{}: '{}' must be one extent or [height, width], each at least {}", where(), key,
        least);
    target[0] = values.front();
    target[1] = values.back();
  };
  check(has("kernel"), ErrorKind::usage, "{}: this layer needs 'kernel'", where());
  pair("kernel", window.kernel, 1);
  if (stride_is_kernel) window.stride = window.kernel;
  pair("stride", window.stride, 1);
  pair("dilation", window.dilation, 1);
  if (const auto pads = integers("pad"); pads.size() == 4) {
    check(std::ranges::all_of(pads, [](int64_t p) { return p >= 0 && p < 65536; }), ErrorKind::usage,
          "{}: 'pad' must not be negative", where());
    window.pad_lo = {pads[0], pads[2], 0};
    window.pad_hi = {pads[1], pads[3], 0};
  } else if (!pads.empty()) {
    check(pads.size() <= 2, ErrorKind::usage,
          "{}: 'pad' must be one extent, [height, width] or [top, bottom, left, right]", where());
    pair("pad", window.pad_lo, 0);
    window.pad_hi = window.pad_lo;
  }
  window.groups = integer("groups", 1);
  window.count_include_pad = flag("count_include_pad", true);
  return window;
}

std::string Row::init(std::string_view which, std::string_view fallback) const {
  for (const ConfigNode* table : {node_.find("init"), network_init_})
    if (table)
      if (const ConfigNode* law = table->find(which)) return std::get<std::string>(law->value);
  return std::string(fallback);
}

void Row::allow_only(std::span<const std::string_view> known) const {
  std::vector<std::string> all = {"type",       "norm",    "eps", "momentum", "affine",
                                  "activation", "dropout", "tap", "init"};
  all.insert(all.end(), known.begin(), known.end());
  for (const auto& [key, child] : std::get<ConfigNode::Table>(node_.value))
    check(std::ranges::find(all, key) != all.end(), ErrorKind::usage,
          "{}: a layer of type '{}' takes no '{}'{}", child.where, string("type"), key, suggestion(key, all));
}

}  // namespace agon::nn
