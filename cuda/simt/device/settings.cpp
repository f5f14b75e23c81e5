#include <charconv>
#include <cstdlib>
#include <string_view>

#include "agon/error.h"

#include "cuda/simt/device/device.h"

namespace agon::simt {
namespace {

std::uint64_t parse_number(const std::string& name, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size(), ErrorKind::usage,
        "the simulated device's '{}' takes a number, not '{}'", name, text);
  return value;
}

// "4096", "512M", "16G".
std::uint64_t parse_bytes(const std::string& name, std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'K':
        shift = 10;
        break;
      case 'M':
        shift = 20;
        break;
      case 'G':
        shift = 30;
        break;
      default:
        break;
    }
  }
  if (shift != 0) text.remove_suffix(1);
  return parse_number(name, text) << shift;
}

}  // namespace

void Settings::set(const std::string& name, const std::string& value) {
  if (name == "arch") {
    arch = &find_arch(value);
  } else if (name == "memory") {
    memory = parse_bytes(name, value);
  } else if (name == "seed") {
    seed = parse_number(name, value);
  } else if (name == "threads") {
    threads = static_cast<int>(parse_number(name, value));
  } else if (name == "checks") {
    checks = parse_number(name, value) != 0;
  } else if (name == "count") {
    count = parse_number(name, value) != 0;
  } else if (name == "launches") {
    keep_launches = parse_number(name, value) != 0;
  } else if (name == "reports") {
    reports_file = value;
  } else if (name == "counters") {
    counters_file = value;
  } else {
    fail(ErrorKind::usage,
         "the simulated device has no setting '{}'; it has arch, memory, seed, threads, checks, count, "
         "launches, "
         "reports and counters",
         name);
  }
}

Settings Settings::from_environment() {
  Settings settings;
  for (const auto& [variable, name] : {std::pair{"AGON_SIMT_ARCH", "arch"},
                                       {"AGON_SIMT_MEMORY", "memory"},
                                       {"AGON_SIMT_SEED", "seed"},
                                       {"AGON_SIMT_THREADS", "threads"},
                                       {"AGON_SIMT_CHECKS", "checks"},
                                       {"AGON_SIMT_COUNT", "count"},
                                       {"AGON_SIMT_LAUNCHES", "launches"},
                                       {"AGON_SIMT_REPORTS", "reports"},
                                       {"AGON_SIMT_COUNTERS", "counters"}}) {
    const char* value = std::getenv(variable);
    if (!value || !*value) continue;
    try {
      settings.set(name, value);
    } catch (const Error& error) {
      fail(error.kind(), "{}: {}", variable, error.what());
    }
  }
  return settings;
}

}  // namespace agon::simt
