#pragma once
#include <map>
#include <string>
#include <vector>

#include "agon/program.h"

#include "backend/cpu/lowering.h"

namespace agon::cpu {

/// Runs lowered steps one after another over an arena allocated once.
class CpuProgram : public Program {
 public:
  CpuProgram(Lowered lowered, uint64_t seed, std::vector<std::string> notes);

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
  const std::pair<Ref, ValueInfo>& find_input(std::string_view name) const;
  void record(uint64_t step);

  Lowered lowered_;
  Buffer arena_;
  Frame frame_;
  ProgramInfo info_;
  std::vector<std::string> scalar_names_;
  std::vector<StepRecord> records_;
};

}  // namespace agon::cpu
