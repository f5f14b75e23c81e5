// IDX, the format of MNIST (LeCun, Cortes, Burges: "The MNIST database of handwritten digits"): two zero
// bytes, a type code, the number of axes, the extents as big-endian 32-bit numbers, then the values.
#include <algorithm>
#include <map>
#include <optional>

#include "agon/error.h"

#include "data/kinds.h"
#include "data/memory_dataset.h"
#include "io/file.h"

namespace agon {
namespace {

namespace fs = std::filesystem;

struct Idx {
  std::vector<uint64_t> extents;
  std::vector<uint8_t> values;
};

Idx read_idx(const fs::path& path) {
  const std::string where = path.string();
  const auto file = read_maybe_gzip(path);
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(file[i]); };
  check(file.size() >= 4, ErrorKind::data, "{}: truncated IDX file ({} bytes); fetch it again", where,
        file.size());
  const size_t axes = byte(3);
  check(byte(0) == 0 && byte(1) == 0 && axes >= 1 && axes <= 4, ErrorKind::data,
        "{}: no IDX file (magic {:02x}{:02x}{:02x}{:02x}); is it the right file?", where, byte(0), byte(1),
        byte(2), byte(3));
  check(byte(2) == 8, ErrorKind::unsupported,
        "{}: IDX values of type {:#04x}; Agon reads unsigned bytes (0x08)", where, byte(2));
  const size_t header = 4 + 4 * axes;
  check(file.size() >= header, ErrorKind::data, "{}: truncated IDX file ({} bytes); fetch it again", where,
        file.size());
  Idx idx;
  uint64_t promised = 1;
  bool absurd = false;
  for (size_t i = 4; i < header; i += 4) {
    idx.extents.push_back(uint64_t{byte(i)} << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3));
    absurd |= __builtin_mul_overflow(promised, idx.extents.back(), &promised);
  }
  check(!absurd && file.size() - header >= promised, ErrorKind::data,
        "{}: truncated IDX file: the header promises {} values, the file holds {}; fetch it again", where,
        absurd ? "countless" : std::to_string(promised), file.size() - header);
  check(file.size() - header == promised, ErrorKind::data,
        "{}: IDX file too long: the header promises {} values, the file holds {}", where, promised,
        file.size() - header);
  const auto* values = reinterpret_cast<const uint8_t*>(file.data());
  idx.values.assign(values + header, values + file.size());
  return idx;
}

/// The name with the last `from` replaced by `to`.
std::string replaced(std::string name, std::string_view from, std::string_view to) {
  const size_t at = name.rfind(from);
  return at == std::string::npos ? name : name.replace(at, from.size(), to);
}

std::string without_gz(const std::string& name) {
  return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
}

bool names_images(const std::string& name) {
  const bool idx = name.find("idx3") != std::string::npos || name.find("idx4") != std::string::npos;
  return idx && name.find("images") != std::string::npos;
}

/// The images file that a folder offers: train's, else t10k's, else the only one.
fs::path find_images(const fs::path& folder) {
  std::map<std::string, fs::path> found;  // by name without .gz; a plain file goes before a packed one
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || !names_images(name)) continue;
    fs::path& path = found[without_gz(name)];
    if (path.empty() || !name.ends_with(".gz")) path = entry.path();
  }
  check(!found.empty(), ErrorKind::data, "{}: holds no IDX images file (such as train-images-idx3-ubyte.gz)",
        folder.string());
  for (std::string_view prefix : {"train", "t10k"})
    for (const auto& [name, path] : found)
      if (name.starts_with(prefix)) return path;
  check(found.size() == 1, ErrorKind::usage, "{}: holds several IDX images files; name one, such as mnist:{}",
        folder.string(), found.begin()->second.string());
  return found.begin()->second;
}

/// The labels file beside an images file, packed or not.
std::optional<fs::path> find_labels(const fs::path& images) {
  std::string name = replaced(without_gz(images.filename().string()), "images", "labels");
  for (std::string_view rank : {"idx3", "idx4"}) name = replaced(name, rank, "idx1");
  for (const std::string& candidate : {name, name + ".gz"}) {
    const fs::path path = images.parent_path() / candidate;
    if (path != images && fs::exists(path)) return path;
  }
  return std::nullopt;
}

}  // namespace

DatasetPtr open_idx(const fs::path& path, const DatasetOptions& options) {
  const fs::path images_path = fs::is_directory(path) ? find_images(path) : path;
  Idx images = read_idx(images_path);
  const std::string where = images_path.string();
  auto& extents = images.extents;
  if (extents.size() == 3) extents.push_back(1);
  check(extents.size() == 4 && (extents[3] == 1 || extents[3] == 3), ErrorKind::data,
        "{}: not images (the extents are {})", where, fmt::join(extents, "x"));
  check(!images.values.empty(), ErrorKind::data, "{}: holds no images", where);
  check(extents[1] <= 1 << 14 && extents[2] <= 1 << 14, ErrorKind::data, "{}: images of {}x{} pixels", where,
        extents[2], extents[1]);
  RawImages raw{
      .shape = {static_cast<int>(extents[1]), static_cast<int>(extents[2]), static_cast<int>(extents[3])},
      .pixels = std::move(images.values),
      .labels = {},
      .class_names = {}};

  const auto labels_path = find_labels(images_path);
  if (!labels_path) {
    if (options.log) options.log(where + ": no labels file beside it; read as an unlabelled set");
    return make_memory_dataset("mnist", std::move(raw), options);
  }
  const Idx labels = read_idx(*labels_path);
  check(labels.extents.size() == 1, ErrorKind::data, "{}: not labels (the extents are {})",
        labels_path->string(), fmt::join(labels.extents, "x"));
  check(labels.values.size() == extents[0], ErrorKind::data, "{}: {} labels for the {} images of {}",
        labels_path->string(), labels.values.size(), extents[0], where);
  constexpr int classes = 10;
  const auto wrong = std::ranges::find_if(labels.values, [](uint8_t label) { return label >= classes; });
  check(wrong == labels.values.end(), ErrorKind::data, "{}: label {} of image {} is out of range (0 to {})",
        labels_path->string(), wrong == labels.values.end() ? 0 : *wrong, wrong - labels.values.begin(),
        classes - 1);
  raw.labels.assign(labels.values.begin(), labels.values.end());
  for (int c = 0; c < classes; ++c) raw.class_names.push_back(std::to_string(c));
  return make_memory_dataset("mnist", std::move(raw), options);
}

}  // namespace agon
