#include "io/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agon/error.h"

#include "io/gzip.h"

namespace agon {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    check(fd_ >= 0, ErrorKind::io, "{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::vector<std::byte> read_up_to(const std::filesystem::path& path, size_t limit) {
  Descriptor file(path);
  struct stat status {};
  check(::fstat(file.get(), &status) == 0, ErrorKind::io, "{}: cannot be read: {}", path.string(),
        std::strerror(errno));
  check(!S_ISDIR(status.st_mode), ErrorKind::io, "{}: is a folder, not a file", path.string());
  std::vector<std::byte> bytes(std::min(limit, static_cast<size_t>(status.st_size)));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    check(got >= 0, ErrorKind::io, "{}: cannot be read: {}", path.string(), std::strerror(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  return read_up_to(path, SIZE_MAX);
}

std::vector<std::byte> read_file_start(const std::filesystem::path& path, size_t count) {
  return read_up_to(path, count);
}

std::vector<std::byte> read_maybe_gzip(const std::filesystem::path& path, size_t limit) {
  auto bytes = read_file(path);
  const bool gzip = bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
  return gzip ? gunzip(bytes, limit, path.string()) : bytes;
}

uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t crc) {
  return static_cast<uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace agon
