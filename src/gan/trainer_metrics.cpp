#include "gan/trainer_metrics.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <unistd.h>

#include "agon/error.h"

#include "io/atomic_file.h"

namespace agon {
namespace {

/// The lines up to `step`, as they are.
std::string lines_up_to(const std::filesystem::path& path, uint64_t step) {
  std::string kept;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool whole = json.is_object() && json.contains("step") && json["step"].is_number_unsigned();
    if (!whole || json["step"].get<uint64_t>() > step) break;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, uint64_t step) : path_(std::move(path)) {
  write_file(path_, lines_up_to(path_, step));
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  check(fd_ >= 0, ErrorKind::io, "{}: cannot be opened ({})", path_.string(),
        std::generic_category().message(errno));
}

MetricsLog::~MetricsLog() {
  ::close(fd_);
}

void MetricsLog::append(uint64_t step, const Fields& fields) {
  nlohmann::ordered_json json{{"step", step}};
  for (const auto& [name, value] : fields) {
    if (std::isfinite(value))
      json[name] = value;
    else
      json[name] = nullptr;
  }
  const std::string line = json.dump() + "\n";
  // One call a line: a killed process leaves whole lines.
  const ssize_t written = ::write(fd_, line.data(), line.size());
  check(written == static_cast<ssize_t>(line.size()), ErrorKind::io,
        "{}: cannot be written ({}); free some space, then go on with agon train --resume {}", path_.string(),
        std::generic_category().message(written < 0 ? errno : ENOSPC), path_.parent_path().string());
}

void MetricsLog::sync() {
  check(::fdatasync(fd_) == 0, ErrorKind::io, "{}: cannot be written ({})", path_.string(),
        std::generic_category().message(errno));
}

}  // namespace agon
