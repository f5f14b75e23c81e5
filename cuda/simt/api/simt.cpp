#include "cuda/simt/simt.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "cuda/simt/api/support.h"

namespace agon::simt::api {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Report& report) {
  ordered_json json = {{"kind", name(report.kind)}, {"message", report.message}};
  if (!report.kernel.empty()) {
    json["kernel"] = readable_name(report.kernel);
    json["block"] = report.block;
    json["thread"] = report.thread;
  }
  if (!report.file.empty()) {
    json["file"] = report.file;
    json["line"] = report.line;
  }
  json["address"] = report.address;
  if (!report.allocation.empty()) json["allocation"] = report.allocation;
  if (!report.other_file.empty()) {
    json["other_file"] = report.other_file;
    json["other_line"] = report.other_line;
  }
  json["count"] = report.count;
  return json;
}

ordered_json to_json(const LaunchRecord& record, bool one_launch) {
  ordered_json json = {{"kernel", readable_name(record.kernel)}, {"symbol", record.kernel}};
  if (one_launch) {
    json["grid"] = {record.grid.x, record.grid.y, record.grid.z};
    json["block"] = {record.block.x, record.block.y, record.block.z};
    json["dynamic_shared"] = record.dynamic_shared;
  }
  json["modelled_seconds"] = record.seconds;
  json["counters"] = ordered_json::parse(simt::to_json(record.counters));
  return json;
}

std::string counters_json(const Device& device) {
  ordered_json json = {{"arch", device.arch().name}, {"chip", device.arch().chip}};
  json["kernels"] = ordered_json::array();
  for (const auto& [symbol, record] : device.kernels()) json["kernels"].push_back(to_json(record, false));
  json["launched"] = ordered_json::array();
  for (const auto& [symbol, dynamic_shared] : device.launched())
    json["launched"].push_back({{"symbol", symbol}, {"dynamic_shared", dynamic_shared}});
  if (device.settings().keep_launches) {
    json["launches"] = ordered_json::array();
    for (const LaunchRecord& record : device.launches()) json["launches"].push_back(to_json(record, true));
  }
  return json.dump(1);
}

// Writes the counters when the program ends, where that was asked for.
struct AtExit {
  ~AtExit() {
    Device& device = Device::instance();
    const std::lock_guard lock(device.mutex());
    if (device.settings().counters_file.empty()) return;
    std::ofstream(device.settings().counters_file) << counters_json(device) << '\n';
  }
} at_exit;

thread_local std::string text;

}  // namespace
}  // namespace agon::simt::api

using namespace agon::simt;
using namespace agon::simt::api;

AGON_API int agon_simt_version() {
  return AGON_SIMT_VERSION;
}

AGON_API int agon_simt_set(const char* name, const char* value) {
  try {
    Device& device = Device::instance();
    const std::lock_guard lock(device.mutex());
    device.configure(name, value);
    return 0;
  } catch (const agon::Error& error) {
    note(__func__, cudaErrorInvalidValue, error.what());
    cudaGetLastError();  // the runtime's own state of errors has no part in this
    return -1;
  }
}

AGON_API const char* agon_simt_take_reports() {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  auto json = ordered_json::array();
  for (const Report& report : device.take_reports()) json.push_back(to_json(report));
  text = json.dump();
  return text.c_str();
}

AGON_API const char* agon_simt_last_message() {
  return last_message().c_str();
}

AGON_API const char* agon_simt_counters() {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  text = counters_json(device);
  return text.c_str();
}

AGON_API void agon_simt_clear_counters() {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  device.clear_counters();
}

AGON_API const char* agon_simt_never_launched() {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  auto json = ordered_json::array();
  for (const std::string& kernel : device.never_launched()) json.push_back(readable_name(kernel));
  text = json.dump();
  return text.c_str();
}
