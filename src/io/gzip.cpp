#include "io/gzip.h"

#include <algorithm>
#include <zlib.h>

#include "agon/error.h"

namespace agon {
namespace {

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

}  // namespace

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

std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
  z_stream stream{};
  const int started =
      deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  check(started == Z_OK, ErrorKind::internal, "zlib: cannot start to deflate");
  std::vector<std::byte> out(deflateBound(&stream, bytes.size()));
  size_t consumed = 0, produced = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    // zlib counts in 32 bits, sizes do not.
    const size_t give = std::min<size_t>(bytes.size() - consumed, 1u << 30);
    const size_t room = std::min<size_t>(out.size() - produced, 1u << 30);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data() + consumed));
    stream.avail_in = static_cast<uInt>(give);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
    stream.avail_out = static_cast<uInt>(room);
    status = deflate(&stream, consumed + give == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    consumed += give - stream.avail_in;
    produced += room - stream.avail_out;
  }
  deflateEnd(&stream);
  out.resize(produced);
  return out;
}

}  // namespace agon
