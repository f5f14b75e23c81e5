#include <algorithm>
#include <cstring>
#include <thread>

#include "cuda/simt/device/device.h"
#include "cuda/simt/machine/machine.h"

namespace agon::simt {
namespace {

constexpr double launch_seconds = 2e-6;
constexpr double host_link = 25e9;  // bytes a second between host and device

std::uint64_t as_address(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

// Steps of the seeds of launches: an odd constant, so that all differ.
constexpr std::uint64_t seed_step = 0x9e3779b97f4a7c15ull;

}  // namespace

double modelled_seconds(const Arch& arch, const Counters& counters) {
  const double clock = arch.clock_khz * 1e3;
  // A launch of few blocks cannot use all multiprocessors.
  const double sms =
      std::min<double>(arch.sm_count, static_cast<double>(std::max<std::uint64_t>(counters.blocks, 1)));
  const double sectors = static_cast<double>(counters.global_load.sectors + counters.global_store.sectors);
  const double distinct = static_cast<double>(counters.distinct_read() + counters.distinct_written());
  const double l2 = 4 * arch.bandwidth();
  return launch_seconds +
         std::max({distinct / arch.bandwidth(), 32 * sectors / l2,
                   static_cast<double>(counters.issue_slots) / (4 * sms * clock),
                   static_cast<double>(counters.fma_fp32) / (arch.fp32_per_sm * sms * clock),
                   static_cast<double>(counters.mac_tensor) / (arch.tensor_per_sm * sms * clock)});
}

double Device::execute(const Work& work) {
  if (const auto* kernel = std::get_if<KernelWork>(&work)) return execute_kernel(*kernel);
  if (const auto* copy = std::get_if<CopyWork>(&work)) return execute_copy(*copy);
  if (const auto* fill = std::get_if<FillWork>(&work)) return execute_fill(*fill);
  if (const auto* host = std::get_if<HostWork>(&work)) host->function(host->data);
  if (const auto* free = std::get_if<FreeWork>(&work)) {
    memory_->release(as_address(free->pointer), AllocationKind::device);
  }
  return 0;
}

double Device::execute_kernel(const KernelWork& work) {
  Launch launch;
  launch.module = work.function->image->module.get();
  launch.kernel = work.function->kernel;
  launch.grid = work.grid;
  launch.block = work.block;
  launch.dynamic_shared = work.dynamic_shared;
  launch.params = work.params;
  launch.operation = memory_->history().current();
  launch.seed = settings_.seed + seed_step * launch.operation;
  launch.approximation = settings_.seed;
  launch.cooperative = work.cooperative;

  Options options;
  options.checks = settings_.checks;
  options.counters = settings_.count;
  options.threads = settings_.threads > 0
                        ? settings_.threads
                        : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.sm_count = static_cast<std::uint32_t>(arch().sm_count);

  LaunchResult result = run(launch, *memory_, options);
  LaunchRecord record{work.function->name,
                      work.grid,
                      work.block,
                      work.dynamic_shared,
                      modelled_seconds(arch(), result.counters),
                      std::move(result.counters)};
  const double seconds = record.seconds;
  std::uint32_t& most = launched_[record.kernel];
  most = std::max(most, record.dynamic_shared);
  const auto [sum, first] = kernels_.try_emplace(record.kernel, record);
  if (!first) {
    sum->second.counters += record.counters;
    sum->second.seconds += seconds;
  }
  if (settings_.keep_launches) launches_.push_back(std::move(record));
  add_reports(std::move(result.reports));
  return seconds;
}

double Device::execute_copy(const CopyWork& work) {
  ReportLog log;
  const auto* from = work.staged ? work.staged->data() : static_cast<const std::byte*>(work.from);
  std::size_t from_pitch = work.staged ? work.width : work.from_pitch;
  auto* to = static_cast<std::byte*>(work.to);
  std::size_t to_pitch = work.to_pitch, width = work.width, rows = work.height;
  if (rows > 1 && from_pitch == width && to_pitch == width) {
    width *= rows;
    rows = 1;
  }
  const bool from_device = memory_->in_range(as_address(from)), to_device = memory_->in_range(as_address(to));
  for (std::size_t row = 0; row < rows; ++row, from += from_pitch, to += to_pitch) {
    if (from_device && to_device) {
      memory_->copy(as_address(to), as_address(from), width, log);
    } else if (from_device) {
      memory_->read_to_host(to, as_address(from), width, log);
    } else if (to_device) {
      memory_->write_from_host(as_address(to), from, width, log);
    } else {
      std::memmove(to, from, width);
    }
  }
  add_reports(log.take());
  const double bytes = static_cast<double>(work.width) * static_cast<double>(work.height);
  return launch_seconds + bytes / (from_device && to_device ? arch().bandwidth() / 2 : host_link);
}

double Device::execute_fill(const FillWork& work) {
  ReportLog log;
  auto* to = static_cast<std::byte*>(work.to);
  for (std::size_t row = 0; row < work.height; ++row, to += work.pitch) {
    memory_->fill(as_address(to), work.value, static_cast<int>(work.element), work.width, log);
  }
  add_reports(log.take());
  const double bytes = static_cast<double>(work.width) * static_cast<double>(work.height) * work.element;
  return launch_seconds + bytes / arch().bandwidth();
}

}  // namespace agon::simt
