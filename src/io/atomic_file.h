#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace agon {

/// Writes a file such that its path holds, at every instant and after a power cut, either the old content or
/// all of the new one: a temporary file in the same folder, fsync, rename, fsync of the folder. Every failure
/// (disk full, folder not writable) throws Error(io) with one line, removes the temporary file and leaves the
/// old file as it was.
class AtomicFile {
 public:
  /// Without `durable` there is no fsync: a power cut may take the new content, not a kill. For files that
  /// are many and can be made again.
  explicit AtomicFile(std::filesystem::path path, bool durable = true);
  /// Discards what was written unless commit() was called.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// CRC-32 of all bytes written so far.
  uint32_t crc32() const { return crc_; }
  uint64_t size() const { return size_; }
  /// Puts the file in its place.
  void commit();

 private:
  [[noreturn]] void give_up(std::string_view deed, int error);
  void discard();

  std::filesystem::path path_, temporary_;
  int fd_ = -1;
  uint32_t crc_ = 0;
  uint64_t size_ = 0;
  bool durable_;
};

/// An AtomicFile of one piece.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes, bool durable = true);
void write_file(const std::filesystem::path& path, std::string_view text);

/// mkdir -p; throws Error(io) with the system's reason.
void make_folder(const std::filesystem::path& path);

/// fsync of a folder, so that renames and removals in it are on the disk.
void sync_folder(const std::filesystem::path& path);

}  // namespace agon
