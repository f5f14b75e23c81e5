#include "backend/cpu/cpu_program.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/nearest.h"

namespace agon::cpu {

CpuProgram::CpuProgram(Lowered lowered, uint64_t seed, std::vector<std::string> notes)
    : lowered_(std::move(lowered)), arena_(lowered_.plan.arena_bytes()) {
  frame_.seed = seed;
  for (size_t i = 0; i < lowered_.base.size(); ++i) {
    const int arena = lowered_.arena_buffer[i];
    frame_.base.push_back(arena < 0 ? lowered_.base[i] : arena_.data() + lowered_.plan.offset(arena));
  }
  for (Step& step : lowered_.steps)
    if (step.bind) step.bind(frame_);
  for (const auto& [name, ref] : lowered_.scalar_outputs) scalar_names_.push_back(name);

  info_.arena_bytes = arena_.size();
  info_.unplanned_bytes = lowered_.plan.total_bytes();
  for (const Buffer& buffer : lowered_.owned) info_.workspace_bytes += buffer.size();
  info_.kernels = static_cast<int>(lowered_.steps.size());
  for (const Step& step : lowered_.steps)
    info_.lines.push_back(fmt::format("{:<18} {:<40} {}", step.op, step.name, step.detail));
  info_.fusions = std::move(notes);
}

const std::pair<Ref, ValueInfo>& CpuProgram::find_input(std::string_view name) const {
  const auto found = lowered_.inputs.find(std::string(name));
  check(found != lowered_.inputs.end(), ErrorKind::usage, "program: there is no input '{}'", name);
  return found->second;
}

std::span<std::byte> CpuProgram::input(std::string_view name) {
  const auto& [ref, type] = find_input(name);
  return {frame_.at<std::byte>(ref), static_cast<size_t>(type.shape.numel()) * size_of(type.dtype)};
}

void CpuProgram::write(std::string_view name, const Tensor& value) {
  const auto& [ref, type] = find_input(name);
  check(value.shape() == type.shape, ErrorKind::usage, "program: input '{}' is {}, not {}", name,
        type.shape.str(), value.shape().str());
  std::ranges::copy(value.to(type.dtype).bytes(), frame_.at<std::byte>(ref));
}

void CpuProgram::set_scalar(std::string_view name, double value) {
  const auto found = lowered_.scalars.find(std::string(name));
  // A scalar that no kept op reads was removed by compile.
  if (found != lowered_.scalars.end()) *frame_.at(found->second) = static_cast<float>(value);
}

void CpuProgram::record(uint64_t step) {
  if (scalar_names_.empty()) return;
  StepRecord& entry = records_.emplace_back();
  entry.step = step;
  for (const auto& [name, ref] : lowered_.scalar_outputs)
    entry.values.push_back(static_cast<double>(*frame_.at(ref)));
}

void CpuProgram::run(uint64_t step) {
  frame_.step = step;
  for (const Step& s : lowered_.steps) s.run(frame_);
  record(step);
}

std::vector<StepRecord> CpuProgram::drain() {
  return std::exchange(records_, {});
}

Tensor CpuProgram::read(std::string_view output) {
  const auto found = lowered_.tensor_outputs.find(std::string(output));
  check(found != lowered_.tensor_outputs.end(), ErrorKind::usage, "program: there is no output '{}'", output);
  const auto& [ref, type] = found->second;
  Tensor result(type.dtype, type.shape);
  std::memcpy(result.bytes().data(), frame_.at<std::byte>(ref), result.bytes().size());
  return result;
}

std::vector<KernelTime> CpuProgram::profile(int repeats) {
  using Clock = std::chrono::steady_clock;
  std::vector<KernelTime> times;
  for (const Step& s : lowered_.steps) times.push_back({s.op, s.name, s.detail, 0, s.flops, s.bytes, {}});
  for (int r = 0; r < repeats; ++r) {
    for (size_t i = 0; i < times.size(); ++i) {
      const auto start = Clock::now();
      lowered_.steps[i].run(frame_);
      times[i].seconds += std::chrono::duration<double>(Clock::now() - start).count() / repeats;
    }
  }
  return times;
}

}  // namespace agon::cpu
