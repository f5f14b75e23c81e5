// CIFAR-10's binary version (Krizhevsky 2009): records of one label byte and 3 planes of 32x32, red, green,
// blue.
#include <algorithm>
#include <sstream>

#include "agon/error.h"

#include "data/kinds.h"
#include "data/memory_dataset.h"
#include "io/file.h"

namespace agon {
namespace {

namespace fs = std::filesystem;

constexpr size_t plane = 32 * 32, record = 1 + 3 * plane, classes = 10;

std::vector<fs::path> find_batches(const fs::path& folder) {
  std::vector<fs::path> batches;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("data_batch_") && name.ends_with(".bin")) batches.push_back(entry.path());
  }
  check(!batches.empty(), ErrorKind::data, "{}: holds no CIFAR-10 batches (data_batch_*.bin)",
        folder.string());
  // data_batch_10 after data_batch_9.
  std::ranges::sort(batches, {}, [](const fs::path& p) { return std::pair(p.native().size(), p.native()); });
  return batches;
}

std::vector<std::string> read_class_names(const fs::path& path) {
  if (!fs::exists(path))
    return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  const auto bytes = read_file(path);
  std::istringstream text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  check(names.size() == classes, ErrorKind::data, "{}: {} class names where {} are expected", path.string(),
        names.size(), classes);
  return names;
}

void append_batch(const fs::path& path, RawImages& raw) {
  const auto file = read_file(path);
  check(!file.empty() && file.size() % record == 0, ErrorKind::data,
        "{}: truncated, or no CIFAR-10 batch: {} bytes are no multiple of a record's {}", path.string(),
        file.size(), record);
  const auto* from = reinterpret_cast<const uint8_t*>(file.data());
  raw.pixels.reserve(raw.pixels.size() + file.size() / record * 3 * plane);
  for (size_t r = 0; r < file.size() / record; ++r, from += record) {
    check(from[0] < classes, ErrorKind::data,
          "{}: label {} of record {} is out of range (0 to {}); CIFAR-100 is not read", path.string(),
          from[0], r, classes - 1);
    raw.labels.push_back(from[0]);
    for (size_t i = 0; i < plane; ++i)
      for (size_t c = 0; c < 3; ++c) raw.pixels.push_back(from[1 + c * plane + i]);
  }
}

}  // namespace

DatasetPtr open_cifar10(const fs::path& path, const DatasetOptions& options) {
  const bool folder = fs::is_directory(path);
  RawImages raw{.shape = {32, 32, 3}, .pixels = {}, .labels = {}, .class_names = {}};
  for (const fs::path& batch : folder ? find_batches(path) : std::vector{path}) append_batch(batch, raw);
  raw.class_names = read_class_names((folder ? path : path.parent_path()) / "batches.meta.txt");
  return make_memory_dataset("cifar10", std::move(raw), options);
}

}  // namespace agon
