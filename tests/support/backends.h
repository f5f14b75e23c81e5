#pragma once
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agon/program.h"

/// True if `name` is in AGON_TEST_BACKENDS (names with commas between), or if that is not set.
inline bool is_under_test(std::string_view name) {
  const char* list = std::getenv("AGON_TEST_BACKENDS");
  if (list == nullptr) return true;
  return ("," + std::string(list) + ",").find("," + std::string(name) + ",") != std::string::npos;
}

/// The backends that a test of every backend runs: all but the reference that can be had here. The others are
/// named on a line.
inline std::vector<std::shared_ptr<agon::Backend>> backends_under_test(const char* test) {
  std::vector<std::shared_ptr<agon::Backend>> result;
  for (const std::string& name : agon::backend_names()) {
    if (name == "reference" || !is_under_test(name)) continue;
    try {
      result.push_back(agon::open_backend(name));
    } catch (const agon::Error& error) {
      if (error.kind() != agon::ErrorKind::unsupported) throw;
      std::printf("skipped: %s on %s: %s\n", test, name.c_str(), error.what());
    }
  }
  return result;
}
