#include "backend/cuda/tuner.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace agon::device {
namespace {

constexpr int timed_runs = 5, most_in_a_row = 16;
constexpr double long_enough = 2e-4;  ///< seconds; against a few microseconds that a graph takes to start

std::string kind_of(const Device& device) {
  const agon_cuda_device& facts = device.facts();
  return fmt::format("{} sm_{}{}, library {}, toolkit {}", facts.name, facts.major, facts.minor,
                     AGON_CUDA_ABI, device.cuda().build()->runtime_version);
}

}  // namespace

Tuner::Tuner(DevicePtr device, const CompileOptions& options)
    : device_(std::move(device)),
      enabled_(options.autotune.value_or(!device_->simulator().present() && !options.tuning_file.empty())),
      given_(options.choices),
      log_(options.log),
      cache_(enabled_ ? options.tuning_file : std::filesystem::path(), kind_of(*device_), options.log) {}

std::string Tuner::choose(const std::string& problem, std::span<const std::string> candidates,
                          const std::function<void(size_t candidate)>& launch) {
  if (const auto known = chosen_.find(problem); known != chosen_.end()) return known->second;
  const auto is_candidate = [&](const std::string& name) {
    return std::ranges::find(candidates, name) != candidates.end();
  };
  if (const auto given = given_.find(problem); given != given_.end()) {
    if (is_candidate(given->second)) return chosen_[problem] = given->second;
    if (log_)
      log_(fmt::format(
          "{}: the run used '{}', which this build lacks; its numbers may differ in the last digits", problem,
          given->second));
  }
  if (!enabled_ || candidates.empty()) return {};
  if (const auto cached = cache_.find(problem); cached && is_candidate(*cached))
    return chosen_[problem] = *cached;
  const std::string best = fastest(candidates, launch);
  if (best.empty()) return {};
  cache_.put(problem, best);
  return chosen_[problem] = best;
}

/// By the median of a few runs as they will be: in a graph, and as many in a row as make its own start small.
/// (A single launch may take the host longer than it takes the device.) Empty where none can run.
std::string Tuner::fastest(std::span<const std::string> candidates,
                           const std::function<void(size_t candidate)>& launch) const {
  const Event start(device_, true), end(device_, true);
  const auto seconds = [&](const std::function<void()>& work) {
    start.record(agon_cuda_compute);
    work();
    end.record(agon_cuda_compute);
    end.wait();
    return start.until(end);
  };
  double least = std::numeric_limits<double>::infinity();
  std::string best;
  for (size_t i = 0; i < candidates.size(); ++i) {
    std::vector<double> times;
    try {
      launch(i);  // loads its code
      const double alone = seconds([&] { launch(i); });
      const int in_a_row =
          std::clamp(static_cast<int>(long_enough / std::max(alone, 1e-9)), 1, most_in_a_row);
      const LaunchGraph graph(device_, [&] {
        for (int k = 0; k < in_a_row; ++k) launch(i);
      });
      for (int run = 0; run < timed_runs; ++run) times.push_back(seconds([&] { graph.launch(); }) / in_a_row);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::unsupported) throw;
      continue;  // no room to try it in, or a library that lacks this problem after all
    }
    std::ranges::nth_element(times, times.begin() + timed_runs / 2);
    if (times[timed_runs / 2] < least) {
      least = times[timed_runs / 2];
      best = candidates[i];
    }
  }
  return best;
}

std::map<std::string, std::string> Tuner::finish() {
  cache_.save();
  return chosen_;
}

}  // namespace agon::device
