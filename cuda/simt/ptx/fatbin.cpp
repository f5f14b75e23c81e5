#include "cuda/simt/ptx/fatbin.h"

#include <cstring>
#include <string>

#include "agon/error.h"

namespace agon::simt {
namespace {

constexpr uint32_t wrapper_magic = 0x466243b1, fatbin_magic = 0xba55ed50;
constexpr uint16_t kind_ptx = 1;
// Flag bits of an entry: compressed with the older scheme, or with zstd.
constexpr uint64_t flag_compressed = 0x2000, flag_compressed_zstd = 0x8000;

struct Wrapper {
  uint32_t magic, version;
  const void* data;
  void* unused;
};

struct FatbinHeader {
  uint32_t magic;
  uint16_t version, header_size;
  uint64_t size;  // of all entries
};

struct EntryHeader {
  uint16_t kind, version;
  uint32_t header_size;
  uint64_t size;  // of the payload, padded
  uint32_t compressed_size, options_offset;
  uint16_t minor, major;
  uint32_t arch, name_offset, name_size;
  uint64_t flags, unused, uncompressed_size;
};
static_assert(sizeof(FatbinHeader) == 16 && sizeof(EntryHeader) == 64);

template <class T>
T read(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The text without the padding before and behind it.
std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of("\n ");
  text.remove_prefix(begin == std::string_view::npos ? text.size() : begin);
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::vector<FatbinEntry> fatbin_entries(const void* image) {
  check(image != nullptr, ErrorKind::data, "fat binary: the image is a null pointer");
  const char* at = static_cast<const char*>(image);
  if (read<uint32_t>(at) == wrapper_magic) at = static_cast<const char*>(read<Wrapper>(at).data);
  const auto header = read<FatbinHeader>(at);
  check(header.magic == fatbin_magic, ErrorKind::data,
        "fat binary: magic {:#010x} where {:#010x} was expected; is the library linked with nvcc?",
        header.magic, fatbin_magic);
  const char* entry = at + header.header_size;
  const char* end = entry + header.size;
  std::vector<FatbinEntry> entries;
  while (entry < end) {
    check(end - entry >= static_cast<ptrdiff_t>(sizeof(EntryHeader)), ErrorKind::data,
          "fat binary: entry {} is cut short", entries.size());
    const auto e = read<EntryHeader>(entry);
    const auto left = static_cast<uint64_t>(end - entry);
    check(e.header_size >= sizeof(EntryHeader) && e.header_size <= left && e.size <= left - e.header_size,
          ErrorKind::data, "fat binary: entry {} is longer than the image", entries.size());
    entries.push_back({e.kind == kind_ptx,
                       e.compressed_size != 0 || (e.flags & (flag_compressed | flag_compressed_zstd)) != 0,
                       e.arch,
                       {entry + e.header_size, e.size}});
    entry += e.header_size + e.size;
  }
  return entries;
}

std::string_view fatbin_ptx(const void* image, uint32_t arch) {
  std::string found;
  bool compressed = false;
  for (const FatbinEntry& entry : fatbin_entries(image)) {
    if (entry.ptx && entry.arch == arch) {
      if (!entry.compressed) return trim(entry.payload);
      compressed = true;
    }
    found += fmt::format("{}{} {}", found.empty() ? "" : ", ", entry.ptx ? "PTX" : "code", entry.arch);
  }
  if (compressed)
    fail(ErrorKind::unsupported,
         "fat binary: the PTX for compute_{} is compressed; compile with nvcc --no-compress", arch);
  fail(ErrorKind::unsupported,
       "fat binary: no PTX for compute_{} among [{}]; compile with -gencode arch=compute_{},code=compute_{}",
       arch, found, arch, arch);
}

}  // namespace agon::simt
