#include "backend/cuda/simulator.h"

#include <dlfcn.h>
#include <nlohmann/json.hpp>

namespace agon::device {
namespace {

template <class Function>
void find(void* handle, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(handle, name));
}

/// A field of a kernel's counters, as shown.
struct Shown {
  const char* name;
  const char* pointer;  ///< JSON pointer
};
constexpr Shown shown[] = {
    {"issue slots", "/issue_slots"},
    {"global sectors read", "/global_load/sectors"},
    {"global sectors written", "/global_store/sectors"},
    {"bank conflicts", "/bank_conflicts"},
    {"fma", "/fma_fp32"},
    {"tensor mac", "/mac_tensor"},
    {"barriers", "/barriers"},
    {"launches", "/launches"},
};

}  // namespace

Simulator::Simulator(void* handle) {
  find(handle, "agon_simt_take_reports", take_reports_);
  find(handle, "agon_simt_last_message", last_message_);
  find(handle, "agon_simt_counters", counters_);
  find(handle, "agon_simt_clear_counters", clear_counters_);
}

std::vector<std::string> Simulator::take_reports() const {
  std::vector<std::string> lines;
  if (!present()) return lines;
  for (const auto& report : nlohmann::json::parse(take_reports_()))
    lines.push_back(report.value("message", ""));
  return lines;
}

std::string Simulator::last_message() const {
  return present() ? last_message_() : "";
}

void Simulator::clear_counters() const {
  if (present()) clear_counters_();
}

std::vector<std::pair<std::string, double>> Simulator::counters() const {
  std::vector<std::pair<std::string, double>> sums;
  if (!present()) return sums;
  for (const Shown& field : shown) sums.emplace_back(field.name, 0);
  const auto all = nlohmann::json::parse(counters_());
  for (const auto& kernel : all["kernels"])
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i].second += kernel["counters"][nlohmann::json::json_pointer(shown[i].pointer)].get<double>();
  return sums;
}

std::map<uint64_t, double> Simulator::touched() const {
  std::map<uint64_t, double> bytes;
  if (!present()) return bytes;
  const auto all = nlohmann::json::parse(counters_());
  for (const auto& kernel : all["kernels"])
    for (const auto& part : kernel["counters"]["touched"])
      bytes[part["address"].get<uint64_t>()] += part["read"].get<double>() + part["written"].get<double>();
  return bytes;
}

}  // namespace agon::device
