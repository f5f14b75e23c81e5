#include "io/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "agon/error.h"
#include "agon/safetensors.h"

#include "io/atomic_file.h"
#include "io/file.h"

namespace agon {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "step-", suffix = ".safetensors";
constexpr const char *format_key = "agon.format", *step_key = "agon.step", *crc_key = "agon.crc32";
const std::string format_version = "1";

template <class T>
std::optional<T> parse(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> step_of(std::string_view name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  name.remove_suffix(suffix.size());
  return parse<uint64_t>(name);
}

/// Covers names, types, shapes, data and metadata, so that a flipped bit anywhere is seen.
uint32_t checksum(const std::vector<NamedTensor>& tensors,
                  const std::map<std::string, std::string>& metadata) {
  uint32_t crc = 0;
  const auto add = [&](std::string_view text) { crc = crc32_of(std::as_bytes(std::span(text)), crc); };
  for (const auto& [key, value] : metadata)
    if (key != crc_key) add(fmt::format("{}:{}={}:{};", key.size(), key, value.size(), value));
  for (const auto& [name, tensor] : tensors) {
    add(fmt::format("{}:{} {} {};", name.size(), name, name_of(tensor.dtype()), tensor.shape().str()));
    crc = crc32_of(tensor.bytes(), crc);
  }
  return crc;
}

}  // namespace

const std::string& Checkpoint::at(const std::string& key, const std::string& where) const {
  const auto found = metadata.find(key);
  check(found != metadata.end(), ErrorKind::data,
        "{}: no '{}' in the checkpoint; was it written by another program?", where, key);
  return found->second;
}

std::string checkpoint_name(uint64_t step) {
  return fmt::format("{}{:08}{}", prefix, step, suffix);
}

std::vector<CheckpointFile> list_checkpoints(const fs::path& folder) {
  std::vector<CheckpointFile> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (const auto step = step_of(entry.path().filename().string())) files.push_back({*step, entry.path()});
  std::ranges::sort(files, std::ranges::greater{}, &CheckpointFile::step);
  return files;
}

fs::path write_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, int keep) {
  check(keep >= 1, ErrorKind::usage, "checkpoint.keep is {}; keep at least 1", keep);
  make_folder(folder);
  auto metadata = checkpoint.metadata;
  metadata[format_key] = format_version;
  metadata[step_key] = std::to_string(checkpoint.step);
  metadata[crc_key] = fmt::format("{:08x}", checksum(checkpoint.tensors, metadata));
  const fs::path path = folder / checkpoint_name(checkpoint.step);
  write_safetensors(path, checkpoint.tensors, metadata);

  // Later steps belong to a time line that a damaged file ended: they do not count, nor push others out.
  int kept = 0;
  for (const CheckpointFile& file : list_checkpoints(folder)) {
    if (file.step > checkpoint.step || ++kept <= keep) continue;
    std::error_code stays;  // a file that cannot be removed does no harm
    fs::remove(file.path, stays);
  }
  return path;
}

Checkpoint read_checkpoint(const fs::path& path) {
  const std::string where = path.string();
  Safetensors file = read_safetensors(path);
  Checkpoint result;
  result.tensors = std::move(file.tensors);
  result.metadata = std::move(file.metadata);
  const std::string format = result.at(format_key, where);
  check(format == format_version, ErrorKind::unsupported,
        "{}: checkpoint format {}; this program reads format {}", where, format, format_version);
  const auto crc = parse<uint32_t>(result.at(crc_key, where), 16);
  check(crc == checksum(result.tensors, result.metadata), ErrorKind::data,
        "{}: its checksum does not match its content; the file is damaged", where);
  const auto step = parse<uint64_t>(result.at(step_key, where));
  check(step.has_value(), ErrorKind::data, "{}: '{}' is no number; the file is damaged", where, step_key);
  result.step = *step;
  std::erase_if(result.metadata, [](const auto& entry) { return entry.first.starts_with("agon."); });
  return result;
}

Checkpoint newest_checkpoint(const fs::path& folder, const LogSink& log) {
  const auto files = list_checkpoints(folder);
  check(!files.empty(), ErrorKind::io, "{}: no checkpoint; train first, or name another run",
        folder.string());
  for (const CheckpointFile& file : files) {
    try {
      return read_checkpoint(file.path);
    } catch (const Error& error) {
      const bool last = &file == &files.back();
      if (error.kind() != ErrorKind::data || (last && files.size() == 1)) throw;
      if (log && !last) log(fmt::format("{}; falling back to the checkpoint before it", error.what()));
    }
  }
  fail(ErrorKind::data, "{}: all {} checkpoints are damaged; train anew", folder.string(), files.size());
}

void remove_leftovers(const fs::path& folder) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    std::error_code stays;
    if (name.starts_with(".") && name.ends_with(".tmp")) fs::remove(entry.path(), stays);
  }
}

}  // namespace agon
