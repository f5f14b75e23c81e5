#pragma once
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

/// A folder of the shared test data ("mnist"), or nothing, after a line that says which test is skipped.
inline std::optional<std::filesystem::path> shared_data(const std::string& name, const char* test) {
  const char* set = std::getenv("AGON_SHARED");
  const auto path = std::filesystem::path(set ? set : AGON_SOURCE_DIR "/../shared") / "data" / name;
  if (std::filesystem::exists(path)) return path;
  std::printf("skipped: %s: no shared data\n", test);
  return std::nullopt;
}
