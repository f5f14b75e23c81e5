#include "faults.h"

#include <algorithm>
#include <cuda_runtime_api.h>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "catch.h"
#include "cuda/simt/simt.h"

namespace simt_test {
namespace {

using agon::simt::FaultKind;

std::set<int> marked_lines(const char* file, const std::string& name) {
  // A compiler may name the file from where it runs.
  const auto base = std::filesystem::path(file).filename();
  std::ifstream source(std::filesystem::path(AGON_SOURCE_DIR) / "tests" / "simt" / base);
  REQUIRE(source);
  std::set<int> lines;
  std::string text;
  for (int line = 1; std::getline(source, text); ++line) {
    const auto mark = text.rfind("//< ");
    if (mark != std::string::npos && text.substr(mark + 4) == name) lines.insert(line);
  }
  return lines;
}

nlohmann::json run(const PlantedFault& fault, bool broken, int seed) {
  cudaDeviceReset();
  cudaGetLastError();
  agon_simt_take_reports();
  REQUIRE(agon_simt_set("seed", std::to_string(seed).c_str()) == 0);
  fault.run(broken);
  finish();
  auto reports = nlohmann::json::parse(agon_simt_take_reports());
  cudaDeviceReset();
  cudaGetLastError();
  return reports;
}

// A race may show as what it leads to as well: the data that is read too early is not there yet, or in
// flight.
bool may_come_with(FaultKind kind, const std::string& other) {
  const bool race =
      kind == FaultKind::race_shared || kind == FaultKind::race_global || kind == FaultKind::race_operations;
  if (race) return other == name(FaultKind::unwritten_read) || other == name(FaultKind::async_before_wait);
  return kind == FaultKind::async_before_wait && other == name(FaultKind::race_shared);
}

}  // namespace

void* device_bytes(std::size_t bytes) {
  void* data = nullptr;
  REQUIRE(cudaMalloc(&data, bytes) == cudaSuccess);
  return data;
}

void* zeroed_bytes(std::size_t bytes) {
  void* data = device_bytes(bytes);
  REQUIRE(cudaMemset(data, 0, bytes) == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  return data;
}

void finish() {
  cudaDeviceSynchronize();
  cudaGetLastError();
}

void check_faults(const char* file, std::initializer_list<PlantedFault> faults) {
  const std::string base = std::filesystem::path(file).filename();
  for (const PlantedFault& fault : faults) {
    CAPTURE(std::string(fault.name));
    const std::set<int> lines = marked_lines(file, fault.name);
    if (!fault.of_host) REQUIRE(!lines.empty());
    for (int seed = 0; seed < 3; ++seed) {
      const nlohmann::json reports = run(fault, true, seed);
      CAPTURE(seed, reports.dump(1));
      bool caught = false;
      for (const auto& report : reports) {
        const std::string kind = report["kind"];
        CAPTURE(kind);
        CHECK((kind == name(fault.kind) || may_come_with(fault.kind, kind)));
        caught |= kind == name(fault.kind);
        CHECK(report["message"].get<std::string>().find("_Z") == std::string::npos);
        if (fault.of_host && (lines.empty() || !report.contains("line"))) continue;
        CHECK(std::filesystem::path(report.value("file", "")).filename() == base);
        CHECK(lines.count(report.value("line", 0)) == 1);
        if (report.contains("other_line")) CHECK(lines.count(report["other_line"].get<int>()) == 1);
      }
      CHECK(caught);
    }
    for (int seed = 0; seed < 20; ++seed) {
      const nlohmann::json reports = run(fault, false, seed);
      CAPTURE(seed, reports.dump(1));
      CHECK(reports.empty());
    }
  }
}

}  // namespace simt_test
