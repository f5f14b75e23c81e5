#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/atomic_file.h"

namespace agon {

/// Reads ZIP archives (PKWARE APPNOTE 6.3): stored and deflated members, ZIP64 included; no encryption.
class ZipReader {
 public:
  struct Entry {
    std::string name;
    uint64_t header = 0;  ///< offset of the local header
    uint64_t packed_size = 0, size = 0;
    uint32_t crc = 0;
    uint16_t method = 0, flags = 0;
  };

  /// Throws Error(data) where the directory is damaged or the file is no archive.
  explicit ZipReader(const std::filesystem::path& path);

  const std::vector<Entry>& entries() const { return entries_; }
  /// The content of a member; sizes and CRC-32 are checked.
  std::vector<std::byte> read(const Entry& entry) const;

 private:
  [[noreturn]] void damaged(std::string_view what) const;
  void check_inside(uint64_t offset, uint64_t size) const;
  void find_directory(uint64_t& offset, uint64_t& count) const;
  Entry read_entry(uint64_t& offset) const;

  std::string where_;
  std::vector<std::byte> file_;
  std::vector<Entry> entries_;
};

/// Writes a ZIP archive atomically, without time stamps. At most 65535 members and 4 GiB.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path) : where_(path.string()), file_(path) {}
  void add(const std::string& name, std::span<const std::byte> content, bool deflated);
  /// Writes the directory and puts the file in its place.
  void commit();

 private:
  std::string where_;
  AtomicFile file_;
  std::vector<std::byte> directory_;
  uint64_t count_ = 0;
};

}  // namespace agon
