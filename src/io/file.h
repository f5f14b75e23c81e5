#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace agon {

/// The whole file. Throws Error(io) naming the path and the system's reason.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// The first `count` bytes of the file, or all of it where it is shorter.
std::vector<std::byte> read_file_start(const std::filesystem::path& path, size_t count);

/// The whole file, decompressed where it is gzip (by content, not by name). Throws Error(data) for a damaged
/// or truncated stream, or one that would grow beyond `limit` bytes.
std::vector<std::byte> read_maybe_gzip(const std::filesystem::path& path, size_t limit = size_t{1} << 34);

/// CRC-32 (zlib's) of the bytes; `crc` continues an earlier one.
uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t crc = 0);

}  // namespace agon
