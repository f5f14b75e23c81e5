#include "backend/cuda/tuning_cache.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace agon::device {
namespace fs = std::filesystem;

TuningCache::TuningCache(fs::path file, std::string kind, const LogSink& log)
    : file_(std::move(file)), kind_(std::move(kind)), log_(log) {
  std::ifstream stream(file_);
  if (file_.empty() || !stream) return;
  try {
    entries_ = nlohmann::json::parse(stream).get<decltype(entries_)>();
  } catch (const nlohmann::json::exception&) {
    entries_.clear();
    if (log_)
      log_(fmt::format("{}: is no tuning cache (damaged?); what it held is measured again", file_.string()));
  }
}

std::optional<std::string> TuningCache::find(const std::string& problem) const {
  const auto kind = entries_.find(kind_);
  if (kind == entries_.end()) return {};
  const auto found = kind->second.find(problem);
  return found == kind->second.end() ? std::nullopt : std::optional(found->second);
}

void TuningCache::put(const std::string& problem, const std::string& choice) {
  entries_[kind_][problem] = choice;
  changed_ = true;
}

void TuningCache::save() {
  if (file_.empty() || !changed_) return;
  changed_ = false;
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  fs::path temporary = file_;
  temporary += fmt::format(".{}", ::getpid());
  const bool written =
      static_cast<bool>(std::ofstream(temporary) << nlohmann::json(entries_).dump(1) << '\n');
  if (written) fs::rename(temporary, file_, error);
  if (written && !error) return;
  fs::remove(temporary, error);
  if (log_)
    log_(fmt::format("{}: cannot be written; the kernels are measured again next time", file_.string()));
}

}  // namespace agon::device
