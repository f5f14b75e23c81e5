#include "agon/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "io/atomic_file.h"
#include "io/bytes.h"
#include "io/file.h"

namespace agon {
namespace {

using Json = nlohmann::json;
constexpr uint64_t max_header = 100'000'000;  // the format's own limit

constexpr std::array<std::pair<std::string_view, DType>, 6> type_names{{{"F32", DType::f32},
                                                                        {"F64", DType::f64},
                                                                        {"BF16", DType::bf16},
                                                                        {"I64", DType::i64},
                                                                        {"I32", DType::i32},
                                                                        {"U8", DType::u8}}};

std::string_view type_name(DType dtype) {
  return std::ranges::find(type_names, dtype, &std::pair<std::string_view, DType>::second)->first;
}

/// Where one tensor lies in the data part of the file.
struct Entry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t begin = 0, end = 0;
};

Json parse_header(std::string_view text, const std::string& where) {
  std::set<std::string> names;
  std::optional<std::string> repeated;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::key && depth == 1 && !names.insert(value.get<std::string>()).second)
      repeated = value.get<std::string>();
    // A header has three levels; deeper nesting is dropped here and refused by the checks that follow.
    return depth < 4;
  };
  Json header = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  check(!header.is_discarded() && header.is_object(), ErrorKind::data,
        "{}: the safetensors header is no JSON object", where);
  check(!repeated, ErrorKind::data, "{}: tensor '{}' is named twice", where, repeated.value_or(""));
  return header;
}

Entry parse_entry(const std::string& name, const Json& json, uint64_t data_size, const std::string& where) {
  const auto damaged = [&](std::string_view what) {
    fail(ErrorKind::data, "{}: tensor '{}': {}; the file is damaged", where, name, what);
  };
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets"))
    damaged("no dtype, shape or data_offsets");
  const Json &dtype = json["dtype"], &shape = json["shape"], &offsets = json["data_offsets"];
  if (!dtype.is_string()) damaged("dtype is no string");
  const auto is_count = [](const Json& v) { return v.is_number_unsigned(); };
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_count)) damaged("bad shape");
  if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), is_count))
    damaged("bad data_offsets");

  Entry entry;
  entry.name = name;
  const auto known = std::ranges::find(type_names, dtype.get_ref<const std::string&>(),
                                       &std::pair<std::string_view, DType>::first);
  check(known != type_names.end(), ErrorKind::unsupported,
        "{}: tensor '{}' has dtype {}; Agon reads F32, F64, BF16, "
        "I64, I32, U8",
        where, name, dtype.get<std::string>());
  entry.dtype = known->second;
  check(shape.size() <= Shape::max_rank, ErrorKind::unsupported,
        "{}: tensor '{}' has {} dimensions, more than {}", where, name, shape.size(), Shape::max_rank);
  uint64_t bytes = size_of(entry.dtype);
  for (const Json& json_extent : shape) {
    const auto extent = json_extent.get<uint64_t>();
    // The cap keeps every partial product within 63 bits, zero extents or not.
    if (extent > (uint64_t{1} << 40) || __builtin_mul_overflow(bytes, extent, &bytes) || bytes >> 62 != 0)
      damaged("its shape is too large");
    entry.shape.push_back(static_cast<int64_t>(extent));
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size) damaged("its data lie outside of the file");
  if (entry.end - entry.begin != bytes) damaged("its shape and its data differ in size");
  return entry;
}

}  // namespace

const Tensor* Safetensors::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  return found == tensors.end() ? nullptr : &found->tensor;
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const std::string where = path.string();
  const std::vector<std::byte> file = read_file(path);
  constexpr size_t length = sizeof(uint64_t);
  check(file.size() >= length, ErrorKind::data, "{}: too short for a safetensors file", where);
  const auto header_size = read_number<uint64_t>(file, 0);
  const uint64_t rest = file.size() - length;
  check(header_size <= std::min(rest, max_header), ErrorKind::data,
        "{}: truncated, or no safetensors file (header of {} bytes in a file of {})", where, header_size,
        file.size());
  const auto* text = reinterpret_cast<const char*>(file.data()) + length;
  const Json header = parse_header({text, header_size}, where);
  const auto data = std::span(file).subspan(length + header_size);

  Safetensors result;
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") {
      check(json.is_object(), ErrorKind::data, "{}: __metadata__ is no object; the file is damaged", where);
      for (const auto& [key, value] : json.items()) {
        check(value.is_string(), ErrorKind::data, "{}: metadata '{}' is no string; the file is damaged",
              where, key);
        result.metadata[key] = value.get<std::string>();
      }
    } else {
      entries.push_back(parse_entry(name, json, data.size(), where));
    }
  }
  // The format knows no holes and no overlaps, so that nothing can hide in a file.
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tuple(e.begin, e.end, e.name); });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    check(entry.begin == end, ErrorKind::data,
          "{}: tensor '{}' leaves a hole or overlaps; the file is damaged", where, entry.name);
    end = entry.end;
  }
  check(end == data.size(), ErrorKind::data,
        "{}: {} bytes of data where the header promises {}; the file is damaged", where, data.size(), end);
  for (const Entry& entry : entries) {
    Tensor tensor(entry.dtype, entry.shape);
    std::ranges::copy(data.subspan(entry.begin, entry.end - entry.begin), tensor.bytes().begin());
    result.tensors.push_back({entry.name, std::move(tensor)});
  }
  return result;
}

uint32_t write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                           const std::map<std::string, std::string>& metadata) {
  // Ordered, so that readers and people find the tensors in the order given.
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  std::set<std::string_view> names{"__metadata__"};
  for (const auto& [name, tensor] : tensors) {
    check(names.insert(name).second, ErrorKind::usage, "{}: tensor name '{}' is reserved or used twice",
          path.string(), name);
    const uint64_t end = offset + tensor.bytes().size();
    header[name] = {{"dtype", type_name(tensor.dtype())},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::usage, "{}: a tensor name or metadata string is not UTF-8", path.string());
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // the data then start aligned
  const uint64_t header_size = text.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header_size, 1)));
  file.write(text);
  for (const NamedTensor& entry : tensors) file.write(entry.tensor.bytes());
  file.commit();
  return file.crc32();
}

}  // namespace agon
