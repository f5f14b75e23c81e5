#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agon/named_tensor.h"

namespace agon {

/// The content of a .safetensors file (https://github.com/huggingface/safetensors, "Format"): tensors in the
/// order of their data, and string metadata. Element types F32, F64, BF16, I64, I32, U8.
struct Safetensors {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;

  /// nullptr where there is no such tensor.
  const Tensor* find(std::string_view name) const;
};

/// Reads a whole file. Every offset, shape and size is checked before memory is touched or allocated: a
/// truncated or hostile file throws Error(data), another element type or more than Shape::max_rank dimensions
/// Error(unsupported).
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes atomically (see io/atomic_file.h); the same content gives the same bytes. Returns the CRC-32 of the
/// file. Throws Error(io) where it cannot be written, Error(usage) for a repeated name.
uint32_t write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                           const std::map<std::string, std::string>& metadata = {});

}  // namespace agon
