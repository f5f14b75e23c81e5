#include "io/zip.h"

#include <algorithm>
#include <zlib.h>

#include "agon/error.h"

#include "io/bytes.h"
#include "io/file.h"

namespace agon {
namespace {

constexpr uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50, end_mark = 0x06054b50,
                   end64_mark = 0x06064b50, locator64_mark = 0x07064b50;
constexpr uint64_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr uint16_t stored = 0, deflated_method = 8, zip64_field = 1, encrypted = 1;
constexpr uint32_t in_zip64 = 0xffffffff;

bool inflate_all(std::span<const std::byte> packed, std::span<std::byte> content) {
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return false;
  size_t consumed = 0, produced = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    // zlib counts in 32 bits, archives do not.
    const size_t give = std::min<size_t>(packed.size() - consumed, 1u << 30);
    const size_t room = std::min<size_t>(content.size() - produced, 1u << 30);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data() + consumed));
    stream.avail_in = static_cast<uInt>(give);
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + produced);
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    consumed += give - stream.avail_in;
    produced += room - stream.avail_out;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && produced == content.size();
}

std::vector<std::byte> deflate_all(std::span<const std::byte> content) {
  z_stream stream{};
  check(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        ErrorKind::internal, "zlib: cannot start to deflate");
  std::vector<std::byte> packed(deflateBound(&stream, content.size()));
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  check(status == Z_STREAM_END, ErrorKind::internal, "zlib: cannot deflate");
  return packed;
}

}  // namespace

void ZipReader::damaged(std::string_view what) const {
  fail(ErrorKind::data, "{}: damaged or truncated archive ({}); fetch it again", where_, what);
}

void ZipReader::check_inside(uint64_t offset, uint64_t size) const {
  if (offset > file_.size() || size > file_.size() - offset)
    damaged("a part lies beyond the end of the file");
}

ZipReader::ZipReader(const std::filesystem::path& path) : where_(path.string()), file_(read_file(path)) {
  check(file_.size() >= 4 && file_[0] == std::byte{'P'} && file_[1] == std::byte{'K'}, ErrorKind::data,
        "{}: is no ZIP archive", where_);
  uint64_t offset = 0, count = 0;
  find_directory(offset, count);
  check_inside(offset, 0);
  if (count > (file_.size() - offset) / central_size) damaged("too many members");
  for (uint64_t i = 0; i < count; ++i) entries_.push_back(read_entry(offset));
}

void ZipReader::find_directory(uint64_t& offset, uint64_t& count) const {
  const std::span<const std::byte> file = file_;
  if (file.size() < end_size) damaged("no directory");
  // The end record is followed by a comment of up to 64 KiB only.
  const uint64_t last = file.size() - end_size, first = last > 0xffff ? last - 0xffff : 0;
  uint64_t end = last + 1;
  do {
    if (end-- == first) damaged("no directory");
  } while (read_number<uint32_t>(file, end) != end_mark);
  count = read_number<uint16_t>(file, end + 10);
  offset = read_number<uint32_t>(file, end + 16);
  const bool zip64 =
      end >= locator64_size && read_number<uint32_t>(file, end - locator64_size) == locator64_mark;
  if (!zip64) return;
  const auto end64 = read_number<uint64_t>(file, end - locator64_size + 8);
  check_inside(end64, end64_size);
  if (read_number<uint32_t>(file, end64) != end64_mark) damaged("no ZIP64 directory");
  count = read_number<uint64_t>(file, end64 + 32);
  offset = read_number<uint64_t>(file, end64 + 48);
}

ZipReader::Entry ZipReader::read_entry(uint64_t& offset) const {
  const std::span<const std::byte> file = file_;
  check_inside(offset, central_size);
  if (read_number<uint32_t>(file, offset) != central_mark) damaged("bad directory entry");
  Entry entry;
  entry.flags = read_number<uint16_t>(file, offset + 8);
  entry.method = read_number<uint16_t>(file, offset + 10);
  entry.crc = read_number<uint32_t>(file, offset + 16);
  entry.packed_size = read_number<uint32_t>(file, offset + 20);
  entry.size = read_number<uint32_t>(file, offset + 24);
  entry.header = read_number<uint32_t>(file, offset + 42);
  const auto name_size = read_number<uint16_t>(file, offset + 28),
             extra_size = read_number<uint16_t>(file, offset + 30),
             comment_size = read_number<uint16_t>(file, offset + 32);
  offset += central_size;
  check_inside(offset, uint64_t{name_size} + extra_size + comment_size);
  entry.name.assign(reinterpret_cast<const char*>(file.data() + offset), name_size);
  offset += name_size;
  // Sizes that do not fit in 32 bits stand in an extra field, in this order, those that do not fit only.
  for (uint64_t at = offset, end = offset + extra_size; at + 4 <= end;) {
    const auto id = read_number<uint16_t>(file, at), size = read_number<uint16_t>(file, at + 2);
    at += 4;
    if (size > end - at) damaged("bad extra field");
    uint64_t place = at;
    for (uint64_t* value : {&entry.size, &entry.packed_size, &entry.header}) {
      if (id != zip64_field || *value != in_zip64) continue;
      if (place + 8 > at + size) damaged("bad ZIP64 field");
      *value = read_number<uint64_t>(file, place);
      place += 8;
    }
    at += size;
  }
  offset += uint64_t{extra_size} + comment_size;
  return entry;
}

std::vector<std::byte> ZipReader::read(const Entry& entry) const {
  check((entry.flags & encrypted) == 0, ErrorKind::unsupported, "{}: member '{}' is encrypted", where_,
        entry.name);
  check(entry.method == stored || entry.method == deflated_method, ErrorKind::unsupported,
        "{}: member '{}' is packed by method {}; Agon reads stored and deflated ones", where_, entry.name,
        entry.method);
  const std::span<const std::byte> file = file_;
  check_inside(entry.header, local_size);
  if (read_number<uint32_t>(file, entry.header) != local_mark) damaged("bad member header");
  const uint64_t data = entry.header + local_size + read_number<uint16_t>(file, entry.header + 26) +
                        read_number<uint16_t>(file, entry.header + 28);
  check_inside(data, entry.packed_size);
  const auto packed = file.subspan(data, entry.packed_size);
  // Deflate packs to a thousandth at most: a larger promise is not worth the memory.
  if (entry.size / 1100 > entry.packed_size) damaged("absurd size");
  std::vector<std::byte> content(entry.size);
  if (entry.method == stored) {
    if (entry.packed_size != entry.size) damaged("sizes differ");
    std::ranges::copy(packed, content.begin());
  } else if (!inflate_all(packed, content)) {
    damaged("bad deflate stream");
  }
  if (crc32_of(content) != entry.crc) damaged("the checksum differs");
  return content;
}

void ZipWriter::add(const std::string& name, std::span<const std::byte> content, bool deflated) {
  constexpr uint64_t limit = 0xff000000;  // below 32 bits by more than deflate may add
  check(content.size() < limit && file_.size() + content.size() < limit && count_ < 0xffff &&
            name.size() < 0xffff,
        ErrorKind::unsupported, "{}: an archive beyond 4 GiB is not written", where_);
  const std::vector<std::byte> packed = deflated ? deflate_all(content) : std::vector<std::byte>();
  const std::span<const std::byte> data = deflated ? packed : content;
  std::vector<std::byte> common;  // what local header and directory entry share
  append_number<uint16_t>(common, 20);
  append_number<uint16_t>(common, 0);
  append_number<uint16_t>(common, deflated ? deflated_method : stored);
  append_number<uint16_t>(common, 0);
  append_number<uint16_t>(common, 0x21);  // 1 January 1980
  append_number<uint32_t>(common, crc32_of(content));
  append_number<uint32_t>(common, static_cast<uint32_t>(data.size()));
  append_number<uint32_t>(common, static_cast<uint32_t>(content.size()));
  append_number<uint16_t>(common, static_cast<uint16_t>(name.size()));
  append_number<uint16_t>(common, 0);

  append_number<uint32_t>(directory_, central_mark);
  append_number<uint16_t>(directory_, 20);
  directory_.insert(directory_.end(), common.begin(), common.end());
  append_number<uint16_t>(directory_, 0);
  append_number<uint32_t>(directory_, 0);
  append_number<uint32_t>(directory_, 0);
  append_number<uint32_t>(directory_, static_cast<uint32_t>(file_.size()));
  const auto name_bytes = std::as_bytes(std::span(name));
  directory_.insert(directory_.end(), name_bytes.begin(), name_bytes.end());
  ++count_;

  std::vector<std::byte> local;
  append_number<uint32_t>(local, local_mark);
  local.insert(local.end(), common.begin(), common.end());
  file_.write(local);
  file_.write(name);
  file_.write(data);
}

void ZipWriter::commit() {
  const uint64_t offset = file_.size();
  std::vector<std::byte> end;
  append_number<uint32_t>(end, end_mark);
  append_number<uint32_t>(end, 0);
  append_number<uint16_t>(end, static_cast<uint16_t>(count_));
  append_number<uint16_t>(end, static_cast<uint16_t>(count_));
  append_number<uint32_t>(end, static_cast<uint32_t>(directory_.size()));
  append_number<uint32_t>(end, static_cast<uint32_t>(offset));
  append_number<uint16_t>(end, 0);
  file_.write(directory_);
  file_.write(end);
  file_.commit();
}

}  // namespace agon
