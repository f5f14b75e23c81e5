#include "backend/cuda/cuda_program.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace agon::device {
namespace {

uint64_t address_of(const std::byte* memory) {
  return reinterpret_cast<uintptr_t>(memory);
}

/// The batch that fits into `free` bytes, by what of the arena grows with it.
int64_t fitting_batch(const Lowered& lowered, size_t free) {
  const double fixed = static_cast<double>(std::min(lowered.fixed_bytes, lowered.plan.arena_bytes()));
  const double growing = static_cast<double>(lowered.plan.arena_bytes()) - fixed;
  const double room = 0.95 * static_cast<double>(free) - fixed;
  if (growing <= 0 || room <= 0) return 0;
  return static_cast<int64_t>(static_cast<double>(lowered.batch) * room / growing);
}

}  // namespace

CudaProgram::CudaProgram(DevicePtr device, Lowered lowered)
    : device_(std::move(device)),
      lowered_(std::move(lowered)),
      arena_(allocate_arena()),
      constants_(device_, lowered_.constant_bytes, "constants"),
      workspace_(device_, lowered_.workspace_bytes, "workspace"),
      shared_workspace_(device_, lowered_.shared_workspace_bytes, "workspace"),
      feed_(device_, lowered_.input_bytes),
      block_(device_, lowered_.block_bytes),
      ring_(device_, static_cast<int>(lowered_.scalar_outputs.size())) {
  for (const DeviceMemory* memory : {&workspace_, &shared_workspace_})
    if (memory->size() > 0) memory->clear();
  fill_constants();
  for (const auto& [name, ref] : lowered_.scalar_outputs) scalar_names_.push_back(name);
  for (int slot = 0; slot < Feed::slots; ++slot) frames_[static_cast<size_t>(slot)] = frame(slot);
  describe();
}

CudaProgram::~CudaProgram() {
  // Memory must not be freed under a run.
  device_->cuda().synchronize(device_->context());
}

DeviceMemory CudaProgram::allocate_arena() const {
  const size_t bytes = lowered_.plan.arena_bytes();
  try {
    return DeviceMemory(device_, bytes, "the iteration");
  } catch (const Error& error) {
    size_t free = 0, total = 0;
    device_->cuda().free_memory(device_->context(), &free, &total);
    const int64_t batch = fitting_batch(lowered_, free);
    if (lowered_.batch == 0 || free >= bytes) throw;
    if (batch < 1) fail(error.kind(), "{}; no batch fits: use a larger device or --device cpu", error.what());
    fail(error.kind(), "{}; a batch of {} fits: set train.batch_size, or use --device cpu", error.what(),
         batch);
  }
}

void CudaProgram::fill_constants() const {
  for (const Lowered::Fill& fill : lowered_.constants) {
    cuda::FillArgs args;
    args.dst = constants_.data() + fill.offset;
    args.value = fill.value;
    args.count = fill.count;
    device_->require(device_->cuda().fill(device_->context(), &args), "constants");
  }
}

Frame CudaProgram::frame(int slot) const {
  using Kind = BufferPlace::Kind;
  Frame result;
  result.device = device_.get();
  for (const BufferPlace& place : lowered_.buffers) {
    std::byte* base = place.kind == Kind::state        ? place.address
                      : place.kind == Kind::arena      ? arena_.data() + lowered_.plan.offset(place.number)
                      : place.kind == Kind::input      ? feed_.memory(slot) + place.offset
                      : place.kind == Kind::step_block ? block_.memory()
                      : place.kind == Kind::constants  ? constants_.data() + place.offset
                      : place.kind == Kind::shared_workspace ? shared_workspace_.data()
                                                             : workspace_.data() + place.offset;
    result.base.push_back(base);
  }
  return result;
}

/// In a range of its name, which profilers show.
void CudaProgram::launch_step(const Step& step, const Frame& f) const {
  device_->cuda().push_range(device_->context(), step.name.c_str());
  step.launch(f);
  device_->cuda().pop_range(device_->context());
}

void CudaProgram::launch_steps(const Frame& f) const {
  for (const Step& step : lowered_.steps) launch_step(step, f);
  launch_record(f);
}

/// The iteration's last launch.
void CudaProgram::launch_record(const Frame& f) const {
  if (scalar_names_.empty()) return;
  std::vector<const float*> sources;
  for (const auto& [name, ref] : lowered_.scalar_outputs) sources.push_back(f.at(ref));
  const auto* run = reinterpret_cast<const uint64_t*>(block_.memory() + offsetof(agon_cuda_step, run));
  const cuda::RecordArgs args = ring_.args(run, sources);
  device_->require(device_->cuda().record(device_->context(), &args), "record");
}

/// The iteration as one launch, captured at its first use.
const LaunchGraph& CudaProgram::graph_of(int slot) {
  LaunchGraph& graph = graphs_[static_cast<size_t>(slot)];
  if (!graph) graph = LaunchGraph(device_, [&] { launch_steps(frames_[static_cast<size_t>(slot)]); });
  return graph;
}

void CudaProgram::describe() {
  info_.arena_bytes = arena_.size();
  info_.unplanned_bytes = lowered_.plan.total_bytes();
  info_.workspace_bytes = workspace_.size() + shared_workspace_.size() + constants_.size();
  info_.kernels = graph_of(0).kernels();
  info_.asynchronous = true;
  for (const Step& step : lowered_.steps)
    info_.lines.push_back(fmt::format("{:<18} {:<40} {}", step.op, step.name, step.detail));
  info_.fusions = lowered_.notes;
  info_.choices = lowered_.choices;
}

const std::pair<Ref, ValueInfo>& CudaProgram::find_input(std::string_view name) const {
  const auto found = lowered_.inputs.find(std::string(name));
  check(found != lowered_.inputs.end(), ErrorKind::usage, "program: there is no input '{}'", name);
  return found->second;
}

std::span<std::byte> CudaProgram::input(std::string_view name) {
  const auto& [ref, type] = find_input(name);
  return feed_.open(input_offset(ref), static_cast<size_t>(type.shape.numel()) * size_of(type.dtype));
}

void CudaProgram::write(std::string_view name, const Tensor& value) {
  const auto& [ref, type] = find_input(name);
  check(value.shape() == type.shape, ErrorKind::usage, "program: input '{}' is {}, not {}", name,
        type.shape.str(), value.shape().str());
  std::ranges::copy(value.to(type.dtype).bytes(), input(name).begin());
}

void CudaProgram::set_scalar(std::string_view name, double value) {
  const auto found = lowered_.scalars.find(std::string(name));
  // A scalar that no kept op reads was removed by compile.
  if (found != lowered_.scalars.end())
    block_.set(static_cast<size_t>(found->second.offset), static_cast<float>(value));
}

void CudaProgram::run(uint64_t step) {
  block_.send(step, ring_.next_run(step));
  const int slot = feed_.send();
  graph_of(slot).launch();
  feed_.sent(slot);
}

std::vector<StepRecord> CudaProgram::drain() {
  return ring_.drain();
}

Tensor CudaProgram::read(std::string_view output) {
  const auto found = lowered_.tensor_outputs.find(std::string(output));
  check(found != lowered_.tensor_outputs.end(), ErrorKind::usage, "program: there is no output '{}'", output);
  const auto& [ref, type] = found->second;
  Tensor result(type.dtype, type.shape);
  const Frame& f = frames_[static_cast<size_t>(feed_.last_slot())];
  device_->require(device_->cuda().download(device_->context(), agon_cuda_compute, result.bytes().data(),
                                            f.at<void>(ref), result.bytes().size()),
                   "reading an output");
  device_->synchronize();
  return result;
}

std::vector<KernelTime> CudaProgram::profile(int repeats) {
  std::vector<KernelTime> times;
  for (const Step& s : lowered_.steps) times.push_back({s.op, s.name, s.detail, 0, s.flops, s.bytes, {}});
  const bool simulated = device_->simulator().present();
  if (simulated) repeats = 1;  // counters repeat exactly
  for (int r = 0; r < repeats; ++r) {
    block_.send(static_cast<uint64_t>(r), ring_.next_run(static_cast<uint64_t>(r)));
    const int slot = feed_.send();
    simulated ? count_steps(frames_[static_cast<size_t>(slot)], times)
              : time_steps(slot, 1.0 / repeats, times);
    launch_record(frames_[static_cast<size_t>(slot)]);
    feed_.sent(slot);
  }
  return times;
}

/// Each launch between two marks. Launches one by one take the host longer than many of them take the device,
/// which would wait for it and the waits be taken for work: whole steps in front keep it busy meanwhile, as
/// many as the repeat before shows to be enough.
void CudaProgram::time_steps(int slot, double weight, std::vector<KernelTime>& times) {
  using Clock = std::chrono::steady_clock;
  const LaunchGraph& whole = graph_of(slot);
  const Event lead(device_, true);
  std::vector<Event> marks;
  for (size_t i = 0; i <= times.size(); ++i) marks.emplace_back(device_, true);
  lead.record(agon_cuda_compute);
  for (int i = 0; i < lead_steps_; ++i) whole.launch();
  const auto start = Clock::now();
  marks[0].record(agon_cuda_compute);
  for (size_t i = 0; i < times.size(); ++i) {
    launch_step(lowered_.steps[i], frames_[static_cast<size_t>(slot)]);
    marks[i + 1].record(agon_cuda_compute);
  }
  const std::chrono::duration<double> host = Clock::now() - start;
  device_->synchronize();
  for (size_t i = 0; i < times.size(); ++i) times[i].seconds += marks[i].until(marks[i + 1]) * weight;
  const double step = std::max(lead.until(marks[0]) / lead_steps_, 1e-6);
  lead_steps_ = static_cast<int>(std::clamp(std::ceil(1.5 * host.count() / step), 1.0, 64.0));
}

void CudaProgram::count_steps(const Frame& f, std::vector<KernelTime>& times) const {
  device_->synchronize();
  for (size_t i = 0; i < times.size(); ++i) {
    device_->simulator().clear_counters();
    launch_step(lowered_.steps[i], f);
    device_->synchronize();
    times[i].counters = device_->simulator().counters();
    double distinct = 0, activations = 0;
    for (const auto& [address, bytes] : device_->simulator().touched()) {
      distinct += bytes;
      if (address == address_of(arena_.data()) || address == address_of(feed_.memory(feed_.last_slot())))
        activations += bytes;
    }
    times[i].counters.emplace_back("distinct bytes", distinct);
    times[i].counters.emplace_back("activation bytes", activations);
  }
}

}  // namespace agon::device
