#pragma once
#include <deque>
#include <map>

#include "agon/program.h"

#include "backend/reference/array.h"
#include "backend/reference/store.h"

namespace agon::reference {

/// Interprets a graph's nodes one after another; every value that lives in no state has memory of its own.
class ReferenceProgram final : public Program {
 public:
  ReferenceProgram(const Graph& graph, ReferenceStore& store, const CompileOptions& options);

  std::span<std::byte> input(std::string_view name) override;
  void write(std::string_view name, const Tensor& value) override;
  void set_scalar(std::string_view name, double value) override;
  void run(uint64_t step) override;
  const std::vector<std::string>& scalar_names() const override { return scalar_names_; }
  std::vector<StepRecord> drain() override { return std::exchange(records_, {}); }
  Tensor read(std::string_view output) override;
  const ProgramInfo& info() const override { return info_; }
  std::vector<KernelTime> profile(int repeats) override;

 private:
  /// A fed input: the memory that nodes read, and the caller's once input() has asked for it.
  struct Input {
    Tensor held, host;
    bool host_fed = false;
  };
  struct Step {
    Node node;
    std::vector<Array> in, out;
    bool idle = false;  ///< a leaf fed from outside, or a view: nothing to execute
    std::vector<size_t> captures;
  };
  /// A value to copy away as soon as it is made, before a later in-place update can change it.
  struct Capture {
    Array from;
    Tensor to;
  };

  void bind(const Graph& graph, const Node& node, const std::vector<int>& roots, ReferenceStore& store);
  Array make_output(const Graph& graph, const Node& node, size_t output, const std::vector<int>& roots,
                    ReferenceStore& store);
  Array make_input(const std::string& name, DType dtype, const Shape& shape);
  Array own(DType dtype, const Shape& shape);
  size_t capture(const Graph& graph, int value);
  Input& find_input(std::string_view name);
  void execute(const Step& step, uint64_t number) const;
  void finish(uint64_t number);
  void describe();

  CompileOptions options_;
  std::vector<Array> values_;  ///< per value of the graph
  std::deque<Tensor> owned_;
  std::map<std::string, Input, std::less<>> inputs_;
  std::map<std::string, Tensor, std::less<>> scalars_;
  std::vector<Step> steps_;  ///< per node
  std::vector<Capture> captures_;
  std::vector<std::pair<size_t, Tensor>> assignments_;  ///< (capture, state)
  std::map<std::string, size_t, std::less<>> outputs_;  ///< name -> capture
  std::vector<std::string> scalar_names_;
  std::vector<StepRecord> records_;
  ProgramInfo info_;
  uint64_t last_step_ = 0;
};

}  // namespace agon::reference
