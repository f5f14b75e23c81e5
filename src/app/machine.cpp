#include "app/machine.h"

#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "app/format.h"

namespace agon::app {
namespace {

/// The value of the first line "key : value" of a /proc file.
std::string proc_value(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return {};
}

uint64_t kilobytes(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10) * 1024;
}

}  // namespace

Machine this_machine() {
  Machine m;
  m.processor = proc_value("/proc/cpuinfo", "model name");
  m.memory = kilobytes(proc_value("/proc/meminfo", "MemTotal"));
  m.memory_free = kilobytes(proc_value("/proc/meminfo", "MemAvailable"));
  std::istringstream flags(proc_value("/proc/cpuinfo", "flags"));
  for (std::string flag; flags >> flag;)
    for (const char* shown : {"fma", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"})
      if (flag == shown) m.instructions += (m.instructions.empty() ? "" : " ") + flag;
  cpu_set_t set;
  m.cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  utsname name{};
  if (::uname(&name) == 0) m.system = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
  return m;
}

std::string describe(const Machine& m) {
  return fmt::format("{}, {} core{}, {}", m.processor.empty() ? "unknown processor" : m.processor, m.cores,
                     m.cores == 1 ? "" : "s", bytes_text(static_cast<double>(m.memory)));
}

uint64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace agon::app
