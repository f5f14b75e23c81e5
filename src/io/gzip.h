#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace agon {

/// Decompresses a gzip file of one or more members. Throws Error(data) naming `where` for a damaged or
/// truncated stream, or one that would grow beyond `limit` bytes.
std::vector<std::byte> gunzip(std::span<const std::byte> packed, size_t limit, const std::string& where);

/// Compresses; without a time stamp, so that the same bytes give the same file.
std::vector<std::byte> gzip(std::span<const std::byte> bytes);

}  // namespace agon
