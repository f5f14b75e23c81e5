#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "agon/safetensors.h"

namespace agon {

/// A safetensors file in a cache folder that is found by what it was computed from.
class CacheFile {
 public:
  /// `key` says everything that the content depends on. An empty folder makes a cache that holds nothing.
  CacheFile(const std::filesystem::path& folder, const std::string& kind,
            std::map<std::string, std::string> key);

  /// Nothing where there is no such file, or it is damaged, or was made from another key.
  std::optional<Safetensors> read() const;
  /// Makes the folder where it is missing. Throws Error(io).
  void write(std::span<const NamedTensor> tensors) const;

 private:
  std::filesystem::path path_;
  std::map<std::string, std::string> key_;
};

}  // namespace agon
