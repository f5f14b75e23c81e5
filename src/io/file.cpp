#include "io/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agon/error.h"

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

/// Owns zlib's inflate state.
struct Inflater {
  z_stream stream{};
  Inflater() {
    check(inflateInit2(&stream, 15 + 16) == Z_OK, ErrorKind::internal, "zlib: cannot start to inflate");
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

std::vector<std::byte> gunzip(std::span<const std::byte> packed, size_t limit, const std::string& where) {
  Inflater inflater;
  z_stream& stream = inflater.stream;
  std::vector<std::byte> out(std::min(limit, std::max<size_t>(packed.size() * 4, 65536)));
  size_t consumed = 0, produced = 0;
  while (true) {
    // zlib counts in 32 bits, files do not.
    const size_t give = std::min<size_t>(packed.size() - consumed, 1u << 30);
    if (produced == out.size()) {
      check(out.size() < limit, ErrorKind::data,
            "{}: the gzip stream grows beyond {} bytes; is it the right file?", where, limit);
      out.resize(std::min(limit, out.size() * 2));
    }
    const size_t room = std::min<size_t>(out.size() - produced, 1u << 30);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data() + consumed));
    stream.avail_in = static_cast<uInt>(give);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    consumed += give - stream.avail_in;
    produced += room - stream.avail_out;
    if (status == Z_STREAM_END) {
      if (consumed == packed.size()) break;
      // A gzip file may hold several members; each starts anew.
      check(inflateReset(&stream) == Z_OK, ErrorKind::internal, "zlib: cannot start to inflate");
      continue;
    }
    const bool starved = consumed == packed.size() && stream.avail_out > 0;
    check(!starved, ErrorKind::data, "{}: truncated gzip file; fetch it again", where);
    check(status == Z_OK || status == Z_BUF_ERROR, ErrorKind::data,
          "{}: damaged gzip file ({}); fetch it again", where, stream.msg ? stream.msg : "bad stream");
  }
  out.resize(produced);
  return out;
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
