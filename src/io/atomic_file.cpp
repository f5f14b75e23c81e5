#include "io/atomic_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "agon/error.h"

#include "io/file.h"

namespace agon {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

const char* advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "; free some space or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a folder that you may write to";
    case ENOENT:
      return "; does the folder exist?";
    default:
      return "";
  }
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path, bool durable) : path_(std::move(path)), durable_(durable) {
  // Unique among processes by the id and among the threads of one by the counter.
  static std::atomic<unsigned> counter{0};
  temporary_ =
      folder_of(path_) / fmt::format(".{}.{}.{}.tmp", path_.filename().string(), ::getpid(), counter++);
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) give_up("created", errno);
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  ::unlink(temporary_.c_str());
}

void AtomicFile::give_up(std::string_view deed, int error) {
  discard();
  fail(ErrorKind::io, "{}: cannot be {}: {}{}", path_.string(), deed, std::strerror(error), advice(error));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check(fd_ >= 0, ErrorKind::internal, "{}: written to after commit", path_.string());
  crc_ = crc32_of(bytes, crc_);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) give_up("written", put < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  check(fd_ >= 0, ErrorKind::internal, "{}: committed twice", path_.string());
  if (durable_ && ::fsync(fd_) != 0) give_up("written", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) give_up("written", errno);
  // The file is in place: from here on there is nothing to discard.
  if (::close(std::exchange(fd_, -1)) != 0) give_up("closed", errno);
  if (durable_) sync_folder(folder_of(path_));
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes, bool durable) {
  AtomicFile file(path, durable);
  file.write(bytes);
  file.commit();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  check(!error, ErrorKind::io, "{}: the folder cannot be made: {}{}", path.string(), error.message(),
        advice(error.value()));
}

void sync_folder(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(fd >= 0, ErrorKind::io, "{}: cannot be opened: {}", path.string(), std::strerror(errno));
  const int status = ::fsync(fd), error = errno;
  ::close(fd);
  // Some file systems (network mounts, overlays) know no fsync of a folder; there the rename is all there is.
  check(status == 0 || error == EINVAL || error == EROFS, ErrorKind::io, "{}: cannot be synced: {}",
        path.string(), std::strerror(error));
}

}  // namespace agon
