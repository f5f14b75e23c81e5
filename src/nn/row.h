#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"
#include "agon/graph.h"

namespace agon::nn {

/// A typed view of one row of a layer table. Every message begins with the row's place in the config.
class Row {
 public:
  /// `network_init` is the table of networks.NAME.init, or nullptr.
  Row(const Config& config, const ConfigNode& node, const ConfigNode* network_init)
      : config_(config), node_(node), network_init_(network_init) {}

  /// The row's place, or that of one of its keys.
  const std::string& where(std::string_view key = "") const {
    const ConfigNode* node = key.empty() ? nullptr : node_.find(key);
    return node ? node->where : node_.where;
  }
  bool has(std::string_view key) const { return node_.find(key) != nullptr; }
  std::string string(std::string_view key, std::string_view fallback = "") const;
  bool flag(std::string_view key, bool fallback) const;
  double number(std::string_view key, double fallback) const;
  /// At least `least`. Throws Error(usage) where it is missing and there is no fallback (-1).
  int64_t integer(std::string_view key, int64_t fallback = -1, int64_t least = 1) const;
  std::vector<int64_t> integers(std::string_view key) const;
  /// Window from kernel, stride, pad, dilation and groups; `stride` may default to the kernel (pools).
  Window window(bool stride_is_kernel) const;
  /// The initialiser of "weight", "bias", "gamma" or "beta": the row's, the network's, else `fallback`.
  std::string init(std::string_view which, std::string_view fallback) const;
  /// Throws Error(usage) for a key that is neither common to all rows nor in `known`.
  void allow_only(std::span<const std::string_view> known) const;

 private:
  const Config& config_;
  const ConfigNode& node_;
  const ConfigNode* network_init_;
};

}  // namespace agon::nn
