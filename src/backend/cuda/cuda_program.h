#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "agon/program.h"

#include "backend/cuda/feed.h"
#include "backend/cuda/lowering.h"
#include "backend/cuda/record_ring.h"

namespace agon::device {

/// Runs a lowered iteration as one graph launch. Nothing in a run allocates or waits for the device, except
/// when its ring of records or its step blocks are used up.
class CudaProgram : public Program {
 public:
  CudaProgram(DevicePtr device, Lowered lowered);
  ~CudaProgram() override;

  std::span<std::byte> input(std::string_view name) override;
  void write(std::string_view name, const Tensor& value) override;
  void set_scalar(std::string_view name, double value) override;
  void run(uint64_t step) override;
  const std::vector<std::string>& scalar_names() const override { return scalar_names_; }
  std::vector<StepRecord> drain() override;
  Tensor read(std::string_view output) override;
  const ProgramInfo& info() const override { return info_; }
  std::vector<KernelTime> profile(int repeats) override;

 private:
  DeviceMemory allocate_arena() const;
  void fill_constants() const;
  Frame frame(int slot) const;
  void launch_step(const Step& step, const Frame& frame) const;
  void launch_steps(const Frame& frame) const;
  void launch_record(const Frame& frame) const;
  const LaunchGraph& graph_of(int slot);
  const std::pair<Ref, ValueInfo>& find_input(std::string_view name) const;
  size_t input_offset(Ref ref) const { return lowered_.buffers[static_cast<size_t>(ref.buffer)].offset; }
  void time_steps(int slot, double weight, std::vector<KernelTime>& times);
  void count_steps(const Frame& frame, std::vector<KernelTime>& times) const;
  void describe();

  DevicePtr device_;
  Lowered lowered_;
  DeviceMemory arena_, constants_, workspace_, shared_workspace_;
  Feed feed_;
  StepBlock block_;
  RecordRing ring_;
  std::array<Frame, Feed::slots> frames_;
  std::array<LaunchGraph, Feed::slots> graphs_;
  int lead_steps_ = 1;  ///< in front of what is timed
  std::vector<std::string> scalar_names_;
  ProgramInfo info_;
};

}  // namespace agon::device
