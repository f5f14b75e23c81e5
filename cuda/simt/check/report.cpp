#include "cuda/simt/check/report.h"

#include <array>
#include <cstdlib>
#include <cxxabi.h>
#include <utility>

namespace agon::simt {

const char* name(FaultKind kind) {
  static constexpr std::array<const char*, static_cast<std::size_t>(FaultKind::count_)> names = {
      "out-of-bounds",
      "misaligned",
      "use-after-free",
      "unwritten-read",
      "race-shared",
      "race-global",
      "race-operations",
      "async-before-wait",
      "divergent-barrier",
      "bad-shuffle",
      "host-access",
      "launch-limits",
      "trap",
      "unknown-instruction",
      "hang"};
  return names[static_cast<std::size_t>(kind)];
}

std::string readable_name(const std::string& mangled) {
  int status = 0;
  char* text = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? text : mangled;
  std::free(text);
  return name;
}

void ReportLog::add(Report report, std::uint64_t rank) {
  const std::lock_guard lock(mutex_);
  auto key = std::tuple(report.kind, report.kernel, report.file, report.line);
  const auto found = reports_.find(key);
  if (found == reports_.end()) {
    if (reports_.size() < limit_) reports_.emplace(std::move(key), Kept{std::move(report), rank});
    return;
  }
  Kept& kept = found->second;
  const std::uint64_t count = kept.report.count + report.count;
  if (rank < kept.rank) kept = Kept{std::move(report), rank};
  kept.report.count = count;
}

bool ReportLog::empty() const {
  const std::lock_guard lock(mutex_);
  return reports_.empty();
}

std::vector<Report> ReportLog::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Report> reports;
  reports.reserve(reports_.size());
  for (auto& [key, kept] : reports_) reports.push_back(std::move(kept.report));
  reports_.clear();
  return reports;
}

}  // namespace agon::simt
