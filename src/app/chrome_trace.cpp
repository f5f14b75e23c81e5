#include "app/chrome_trace.h"

#include <nlohmann/json.hpp>

#include "io/atomic_file.h"

namespace agon::app {

void write_chrome_trace(const std::filesystem::path& file, const std::string& title,
                        const std::vector<KernelTime>& kernels) {
  using Json = nlohmann::ordered_json;
  Json events = Json::array();
  events.push_back({{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", title}}}});
  double start_us = 0;
  for (const KernelTime& kernel : kernels) {
    const double us = kernel.seconds * 1e6;
    events.push_back({{"name", kernel.op},
                      {"cat", kernel.name},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", start_us},
                      {"dur", us},
                      {"args",
                       {{"scope", kernel.name},
                        {"detail", kernel.detail},
                        {"flops", kernel.flops},
                        {"bytes", kernel.bytes}}}});
    start_us += us;
  }
  write_file(file, Json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}}.dump());
}

}  // namespace agon::app
