#include "cuda/simt/device/device.h"

#include <algorithm>
#include <cstdio>
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <set>
#include <utility>

#include "agon/error.h"

namespace agon::simt {

Device& Device::instance() {
  // Never destroyed: the program's own static objects may free device memory after any object of ours is
  // gone.
  static auto* device = new Device;
  return *device;
}

Device::Device() {
  try {
    settings_ = Settings::from_environment();
  } catch (const Error& error) {
    startup_error_ = error.what();
  }
  start();
}

void Device::start() {
  scheduler_.reset();
  memory_ = std::make_unique<Memory>(settings_.memory, settings_.checks);
  scheduler_ = std::make_unique<Scheduler>(
      memory_->history(), [this](const Work& work) { return execute(work); }, settings_.seed);
  fault_ = failure_ = 0;
}

void Device::configure(const std::string& name, const std::string& value) {
  Settings changed = settings_;
  changed.set(name, value);
  const bool afresh = changed.checks != settings_.checks || changed.arch != settings_.arch;
  if (afresh) {
    check(memory_->allocated() == 0, ErrorKind::usage,
          "the simulated device's '{}' can change only while nothing is allocated on it; free or reset first",
          name);
  }
  settings_ = changed;
  memory_->set_capacity(settings_.memory);
  scheduler_->reseed(settings_.seed);
  if (afresh) reset();
}

void Device::reset() {
  registry_.unload();
  start();
}

const Module& Device::load(Image& image) {
  if (image.module) return *image.module;
  const Module& module = registry_.load(image, [&](const Variable& variable) {
    const RegisteredVariable* registered = image.variable(variable.name);
    const bool managed = registered && registered->managed;
    const std::uint64_t address =
        memory_->allocate(variable.size, managed ? AllocationKind::pinned : AllocationKind::device,
                          variable.name, std::max(256u, variable.align));
    check(address != 0, ErrorKind::unsupported,
          "no device memory is left for the {} bytes of the variable {}", variable.size, variable.name);
    if (managed) *registered->managed = reinterpret_cast<void*>(address);
    return address;
  });
  scheduler_->begin_host_operation();
  ReportLog log;
  for (const Variable& variable : module.variables()) {
    if (!variable.external && variable.size > 0) {
      memory_->write_from_host(variable.address, variable.initial.data(), variable.size, log);
    }
  }
  add_reports(log.take());
  return module;
}

const Kernel& Device::load(Function& function) {
  if (!function.kernel) function.kernel = &load(*function.image).kernel(function.name);
  return *function.kernel;
}

std::uint64_t Device::address(const RegisteredVariable& variable) {
  const Variable* found = load(*variable.image).find_variable(variable.name);
  check(found != nullptr, ErrorKind::usage, "the registered variable {} is not in its image", variable.name);
  return found->address;
}

int Device::take_failure() {
  collect_host_faults();
  if (fault_ != 0) return fault_;
  return std::exchange(failure_, 0);
}

void Device::write_out(const Report& report) const {
  if (settings_.reports_file.empty()) return;
  const bool to_stderr = settings_.reports_file == "-";
  std::FILE* file = to_stderr ? stderr : std::fopen(settings_.reports_file.c_str(), "a");
  if (!file) return;
  const std::string kind = name(report.kind);
  const std::string line = report.message.rfind(kind, 0) == 0 ? report.message : kind + ": " + report.message;
  fmt::print(file, "simt: {}{}\n", line, report.count > 1 ? fmt::format(" ({} times)", report.count) : "");
  if (!to_stderr) std::fclose(file);
}

void Device::add_reports(std::vector<Report> reports) {
  for (Report& report : reports) {
    write_out(report);
    if (is_deadly(report.kind) && fault_ == 0) fault_ = error_of(report.kind);
    if (failure_ == 0) failure_ = error_of(report.kind);
    reports_.push_back(std::move(report));
  }
  if (fault_ != 0) scheduler_->abandon();
}

void Device::add_refusal(Report report) {
  write_out(report);
  reports_.push_back(std::move(report));
}

std::vector<Report> Device::take_reports() {
  collect_host_faults();
  failure_ = 0;
  return std::exchange(reports_, {});
}

void Device::collect_host_faults() {
  std::vector<Report> faults = memory_->take_host_faults();
  if (!faults.empty()) add_reports(std::move(faults));
}

void Device::clear_counters() {
  kernels_.clear();
  launches_.clear();
}

std::vector<std::string> Device::never_launched() const {
  std::set<std::string> kernels;
  for (const auto& image : registry_.images())
    for (const auto& [host, function] : image->functions)
      if (!launched_.contains(function->name)) kernels.insert(function->name);
  return {kernels.begin(), kernels.end()};
}

bool is_deadly(FaultKind kind) {
  switch (kind) {
    case FaultKind::out_of_bounds:
    case FaultKind::misaligned:
    case FaultKind::use_after_free:
    case FaultKind::trap:
    case FaultKind::unknown_instruction:
    case FaultKind::hang:
      return true;
    default:
      return false;
  }
}

int error_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::out_of_bounds:
    case FaultKind::use_after_free:
      return cudaErrorIllegalAddress;
    case FaultKind::misaligned:
      return cudaErrorMisalignedAddress;
    case FaultKind::launch_limits:
      return cudaErrorInvalidConfiguration;
    case FaultKind::trap:
      return cudaErrorAssert;
    case FaultKind::unknown_instruction:
      return cudaErrorIllegalInstruction;
    case FaultKind::hang:
      return cudaErrorLaunchTimeout;
    default:
      return cudaErrorLaunchFailure;
  }
}

}  // namespace agon::simt
