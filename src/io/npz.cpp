// NumPy's array format (NEP 1): a magic string, a version, the length of the header, the header (the text of
// a Python dict) and the raw values.
#include "agon/npz.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "agon/error.h"

#include "io/atomic_file.h"
#include "io/bytes.h"
#include "io/file.h"
#include "io/zip.h"

namespace agon {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<uint64_t> extents;
};

/// Reads the literal {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }, and nothing more general.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : rest_(text), where_(where) {}

  Header parse() {
    Header header;
    expect('{');
    std::set<std::string> keys;
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr")
        header.descr = descr();
      else if (key == "fortran_order")
        header.fortran = boolean();
      else if (key == "shape")
        header.extents = tuple();
      else
        damaged();
      keys.insert(key);
      accept(',');
    }
    if (keys.size() != 3) damaged();
    return header;
  }

 private:
  [[noreturn]] void damaged() const {
    fail(ErrorKind::data, "{}: damaged .npy header; fetch it again", where_);
  }
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  bool accept(char c) {
    skip_spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged();
  }
  bool accept_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string quoted() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const size_t end = rest_.find(quote);
    if (end == std::string_view::npos) damaged();
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string descr() {
    skip_spaces();
    check(!rest_.starts_with('['), ErrorKind::unsupported, "{}: a structured array; Agon reads plain numbers",
          where_);
    return quoted();
  }
  bool boolean() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) damaged();
    return false;
  }
  std::vector<uint64_t> tuple() {
    std::vector<uint64_t> extents;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      uint64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc()) damaged();
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      accept_word("L");  // Python 2's long
      extents.push_back(extent);
      accept(',');
    }
    return extents;
  }

  std::string_view rest_;
  const std::string& where_;
};

DType dtype_of_descr(const std::string& descr, const std::string& where) {
  const std::string_view type = std::string_view(descr).substr(std::min<size_t>(1, descr.size()));
  if (type == "f4") return DType::f32;
  if (type == "f8") return DType::f64;
  if (type == "i4") return DType::i32;
  if (type == "i8") return DType::i64;
  if (type == "u1" || type == "b1") return DType::u8;
  fail(ErrorKind::unsupported, "{}: NumPy type '{}'; Agon reads f4, f8, i4, i8, u1, b1", where, descr);
}

void swap_bytes(std::span<std::byte> bytes, size_t size) {
  for (size_t at = 0; at < bytes.size(); at += size) std::ranges::reverse(bytes.subspan(at, size));
}

/// Rows of Fortran order (first index fastest) to C order (last index fastest).
void from_fortran(std::span<const std::byte> source, const Tensor& target) {
  const Shape& shape = target.shape();
  const size_t size = size_of(target.dtype());
  std::array<int64_t, Shape::max_rank> index{};
  std::byte* to = target.bytes().data();
  for (int64_t i = 0; i < shape.numel(); ++i, to += size) {
    int64_t from = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis)
      from = from * shape[axis] + index[static_cast<size_t>(axis)];
    std::memcpy(to, source.data() + static_cast<size_t>(from) * size, size);
    for (int axis = shape.rank() - 1; axis >= 0 && ++index[static_cast<size_t>(axis)] == shape[axis]; --axis)
      index[static_cast<size_t>(axis)] = 0;
  }
}

Tensor parse_npy(std::span<const std::byte> file, const std::string& where) {
  const auto text = [&](size_t from, size_t size) {
    return std::string_view(reinterpret_cast<const char*>(file.data()) + from, size);
  };
  check(file.size() >= 12 && text(0, magic.size()) == magic, ErrorKind::data, "{}: is no .npy array", where);
  const auto version = static_cast<int>(file[6]);
  check(version >= 1 && version <= 3, ErrorKind::unsupported, "{}: .npy version {}", where, version);
  const size_t start = version == 1 ? 10 : 12;
  const size_t header_size = version == 1 ? read_number<uint16_t>(file, 8) : read_number<uint32_t>(file, 8);
  check(header_size <= file.size() - start, ErrorKind::data, "{}: truncated .npy array; fetch it again",
        where);
  const Header header = HeaderParser(text(start, header_size), where).parse();
  const auto values = file.subspan(start + header_size);

  const DType dtype = dtype_of_descr(header.descr, where);
  check(header.extents.size() <= Shape::max_rank, ErrorKind::unsupported,
        "{}: an array of {} dimensions, more than {}", where, header.extents.size(), Shape::max_rank);
  uint64_t bytes = size_of(dtype);
  Shape shape;
  for (uint64_t extent : header.extents) {
    const bool absurd =
        extent >> 40 != 0 || __builtin_mul_overflow(bytes, extent, &bytes) || bytes >> 62 != 0;
    check(!absurd, ErrorKind::data, "{}: the array's shape is too large; the file is damaged", where);
    shape.push_back(static_cast<int64_t>(extent));
  }
  check(bytes == values.size(), ErrorKind::data,
        "{}: the shape promises {} bytes, the file holds {}; fetch it again", where, bytes, values.size());
  Tensor tensor(dtype, shape);
  if (header.fortran)
    from_fortran(values, tensor);
  else
    std::ranges::copy(values, tensor.bytes().begin());
  if (header.descr.starts_with('>')) swap_bytes(tensor.bytes(), size_of(dtype));
  return tensor;
}

std::string_view descr_of(DType dtype, const std::string& where) {
  switch (dtype) {
    case DType::f32:
      return "<f4";
    case DType::f64:
      return "<f8";
    case DType::i32:
      return "<i4";
    case DType::i64:
      return "<i8";
    case DType::u8:
      return "|u1";
    case DType::bf16:
      break;
  }
  fail(ErrorKind::usage, "{}: NumPy has no type {}; convert to f32 first", where, name_of(dtype));
}

std::vector<std::byte> format_npy(const Tensor& tensor, const std::string& where) {
  std::string shape;
  for (int64_t extent : tensor.shape()) shape += (shape.empty() ? "" : " ") + std::to_string(extent) + ",";
  if (tensor.shape().rank() > 1) shape.pop_back();  // Python's (3,) but (3, 4)
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   descr_of(tensor.dtype(), where), shape);
  constexpr size_t start = 10, alignment = 64;
  header.append(alignment - 1 - (start + header.size()) % alignment, ' ');
  header += '\n';
  std::vector<std::byte> file;
  const auto append = [&](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(magic)));
  append_number<uint16_t>(file, 1);  // version 1.0
  append_number<uint16_t>(file, static_cast<uint16_t>(header.size()));
  append(std::as_bytes(std::span(header)));
  append(tensor.bytes());
  return file;
}

}  // namespace

Tensor read_npy(const std::filesystem::path& path) {
  return parse_npy(read_file(path), path.string());
}

std::vector<NamedTensor> read_npz(const std::filesystem::path& path) {
  const ZipReader archive(path);
  std::vector<NamedTensor> tensors;
  for (const ZipReader::Entry& entry : archive.entries()) {
    const std::string name =
        entry.name.ends_with(".npy") ? entry.name.substr(0, entry.name.size() - 4) : entry.name;
    tensors.push_back({name, parse_npy(archive.read(entry), fmt::format("{}: '{}'", path.string(), name))});
  }
  return tensors;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  write_file(path, format_npy(tensor, path.string()));
}

void write_npz(const std::filesystem::path& path, std::span<const NamedTensor> tensors, bool compress) {
  std::set<std::string_view> names;
  for (const NamedTensor& entry : tensors)
    check(names.insert(entry.name).second, ErrorKind::usage, "{}: array name '{}' is used twice",
          path.string(), entry.name);
  ZipWriter archive(path);
  for (const auto& [name, tensor] : tensors)
    archive.add(name + ".npy", format_npy(tensor, fmt::format("{}: '{}'", path.string(), name)), compress);
  archive.commit();
}

}  // namespace agon
