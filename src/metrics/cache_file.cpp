#include "metrics/cache_file.h"

#include <fmt/format.h>

#include "io/atomic_file.h"
#include "io/file.h"

namespace agon {

CacheFile::CacheFile(const std::filesystem::path& folder, const std::string& kind,
                     std::map<std::string, std::string> key)
    : key_(std::move(key)) {
  if (folder.empty()) return;
  std::string text;
  for (const auto& [name, value] : key_) text += name + '=' + value + '\n';
  path_ = folder / fmt::format("{}-{:08x}.safetensors", kind, crc32_of(std::as_bytes(std::span(text))));
}

std::optional<Safetensors> CacheFile::read() const {
  std::error_code ignored;
  if (path_.empty() || !std::filesystem::exists(path_, ignored)) return std::nullopt;
  try {
    Safetensors file = read_safetensors(path_);
    if (file.metadata == key_) return file;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
  }
  return std::nullopt;
}

void CacheFile::write(std::span<const NamedTensor> tensors) const {
  if (path_.empty()) return;
  make_folder(path_.parent_path());
  write_safetensors(path_, tensors, key_);
}

}  // namespace agon
